"""Who and what the demo's organisations are. Always the same: only secrets are random."""

from dataclasses import dataclass

from apis.definition import Authentication
from orgs.permissions import Level, ObjectKind, Permissions

TOKEN, KEYLESS, JWT = Authentication.TOKEN, Authentication.KEYLESS, Authentication.JWT
BASIC, OAUTH2, MUTUAL_TLS = Authentication.BASIC, Authentication.OAUTH2, Authentication.MUTUAL_TLS


@dataclass(frozen=True)
class Person:
    """Somebody with the groups they are in; without any and no administrator, they may do nothing yet."""

    name: str
    groups: tuple[str, ...] = ()
    is_administrator: bool = False
    is_disabled: bool = False

    @property
    def role(self) -> str:
        role = "administrator" if self.is_administrator else ", ".join(self.groups)
        return f"{role}, disabled" if self.is_disabled else role


@dataclass(frozen=True)
class Resource:
    """Becomes one API in each environment of its organisation."""

    name: str
    path: str
    tags: str
    authentication: Authentication = TOKEN


@dataclass(frozen=True)
class DemoOrganisation:
    slug: str
    name: str
    colour: str
    people: tuple[Person, ...]
    invited: Person
    environments: tuple[str, ...]
    resources: tuple[Resource, ...]
    clients: tuple[str, ...]
    key_count: int

    @property
    def contact(self) -> str:
        return f"platform@{self.slug}.example"

    def email(self, person: Person) -> str:
        return f"{person.name.lower().replace(' ', '.')}@{self.slug}.example"


UNBOUNDED_NAME, UNBOUNDED_EMAIL = "Uma Lindqvist", "uma.lindqvist@hosting.example"

READ, WRITE = Level.READ, Level.WRITE
GROUPS: dict[str, tuple[str, Permissions]] = {
    "API team": ("Publishes APIs", {ObjectKind.APIS: WRITE, ObjectKind.KEYS: READ}),
    "Key desk": ("Issues keys to consumers", {ObjectKind.KEYS: WRITE, ObjectKind.APIS: READ}),
    "Team leads": (
        "Bring in their own people",
        {
            ObjectKind.USERS: WRITE,
            ObjectKind.USER_GROUPS: READ,
            ObjectKind.APIS: READ,
            ObjectKind.KEYS: READ,
        },
    ),
    "Readers": ("Look things up", {ObjectKind.APIS: READ, ObjectKind.KEYS: READ}),
    "Auditors": ("See everything, change nothing", dict.fromkeys(ObjectKind, READ)),
}

ACME = DemoOrganisation(
    slug="acme-payments",
    name="Acme Payments",
    colour="indigo",
    people=(
        Person("Ada Okafor", is_administrator=True),
        Person("Ben Lindgren", is_administrator=True),
        Person("Chiara Rossi", ("API team",)),
        Person("Dev Patel", ("API team", "Team leads")),
        Person("Elif Yilmaz", ("Key desk",)),
        Person("Farid Haddad", ("Key desk",)),
        Person("Greta Novak", ("Readers",)),
        Person("Hugo Martin", ("Auditors",)),
        Person("Release Robot", ("API team", "Key desk")),
        Person("Ines Duarte", ("API team",), is_disabled=True),
    ),
    invited=Person("Jonas Weber", ("Readers",)),
    environments=("production", "sandbox"),
    resources=(
        Resource("Card payments", "cards/payments", "cards, pci"),
        Resource("Card tokens", "cards/tokens", "cards, pci", MUTUAL_TLS),
        Resource("Card disputes", "cards/disputes", "cards"),
        Resource("Terminals", "cards/terminals", "cards, shops"),
        Resource("SEPA transfers", "transfers/sepa", "transfers"),
        Resource("Instant payments", "transfers/instant", "transfers"),
        Resource("Direct debits", "transfers/debits", "transfers"),
        Resource("Standing orders", "transfers/standing-orders", "transfers"),
        Resource("Beneficiaries", "transfers/beneficiaries", "transfers, personal-data"),
        Resource("Refunds", "refunds", "cards, transfers"),
        Resource("Payouts", "payouts", "shops"),
        Resource("Merchants", "merchants", "shops, personal-data"),
        Resource("Merchant onboarding", "merchants/onboarding", "shops, personal-data", OAUTH2),
        Resource("Account balances", "accounts/balances", "accounts, personal-data"),
        Resource("Account statements", "accounts/statements", "accounts, personal-data"),
        Resource("Account holders", "accounts/holders", "accounts, personal-data", JWT),
        Resource("Open banking accounts", "open-banking/accounts", "psd2, accounts", OAUTH2),
        Resource("Open banking payments", "open-banking/payments", "psd2, transfers", OAUTH2),
        Resource("Consents", "open-banking/consents", "psd2", OAUTH2),
        Resource("Strong authentication", "authentication", "psd2", MUTUAL_TLS),
        Resource("Fraud scores", "risk/fraud-scores", "risk"),
        Resource("Sanctions screening", "risk/sanctions", "risk"),
        Resource("Limits", "risk/limits", "risk"),
        Resource("Exchange rates", "rates/exchange", "public", KEYLESS),
        Resource("Bank holidays", "calendars/bank-holidays", "public", KEYLESS),
        Resource("Fees", "fees", "public"),
        Resource("Settlement files", "settlement/files", "back-office", BASIC),
        Resource("Reconciliation", "settlement/reconciliation", "back-office"),
        Resource("Ledger", "ledger", "back-office", JWT),
        Resource("Webhooks", "webhooks", "shops"),
    ),
    clients=("Mobile app iOS", "Mobile app Android", "web checkout", "POS terminals", "SAP", "Northwind",
             "Contoso Shops", "fraud-engine", "statement printer", "treasury excel", "jenkins",
             "Fabrikam Travel", "call centre", "data warehouse", "QA team"),
    key_count=250,
)  # fmt: skip

GLOBEX = DemoOrganisation(
    slug="globex-retail",
    name="Globex Retail",
    colour="orange",
    people=(
        Person("Gus Halloran", is_administrator=True),
        Person("Hana Kobayashi", ("API team",)),
        Person("Ivan Petrov", ("API team",)),
        Person("Julia Santos", ("Key desk", "Team leads")),
        Person("Kofi Mensah", ("Readers",)),
        Person("Lena Fischer", ("Auditors",)),
        Person("Marek Dvorak", ("Key desk",), is_disabled=True),
    ),
    invited=Person("Nora Byrne", ("Key desk",)),
    environments=("production", "staging"),
    resources=(
        Resource("Catalogue", "catalogue", "shop"),
        Resource("Product images", "catalogue/images", "shop, public", KEYLESS),
        Resource("Prices", "prices", "shop"),
        Resource("Promotions", "promotions", "shop, marketing"),
        Resource("Stock", "stock", "warehouse"),
        Resource("Baskets", "baskets", "shop"),
        Resource("Checkout", "checkout", "shop, pci"),
        Resource("Orders", "orders", "shop, personal-data"),
        Resource("Returns", "returns", "shop, personal-data"),
        Resource("Customers", "customers", "personal-data", JWT),
        Resource("Loyalty points", "loyalty", "marketing, personal-data"),
        Resource("Gift cards", "gift-cards", "shop"),
        Resource("Store finder", "stores", "public", KEYLESS),
        Resource("Opening hours", "stores/hours", "public", KEYLESS),
        Resource("Reviews", "reviews", "marketing"),
        Resource("Search", "search", "shop"),
        Resource("Supplier feed", "suppliers/feed", "warehouse, partner", BASIC),
    ),
    clients=("webshop", "iOS app", "Android app", "tills", "kiosk", "price-comparison", "Litware marketplace",
             "newsletter tool", "warehouse scanner", "bi-reports"),
    key_count=120,
)  # fmt: skip

INITECH = DemoOrganisation(
    slug="initech-logistics",
    name="Initech Logistics",
    colour="teal",
    people=(
        Person("Peter Gibson", is_administrator=True),
        Person("Samira Nagy", ("API team", "Key desk")),
        Person("Milton Wade", ("Readers",)),
        Person("Bob Slydell", ("Auditors",)),
        Person("Tom Smyth", ("Key desk",), is_disabled=True),
    ),
    invited=Person("Michael Bolt", ("API team",)),
    environments=("production",),
    resources=(
        Resource("Shipments", "shipments", "tracking"),
        Resource("Tracking", "tracking", "tracking, public"),
        Resource("Delivery slots", "slots", "planning"),
        Resource("Routes", "routes", "planning"),
        Resource("Drivers", "drivers", "planning, personal-data", JWT),
        Resource("Vehicles", "vehicles", "fleet"),
        Resource("Telematics", "vehicles/telematics", "fleet", MUTUAL_TLS),
        Resource("Parcel labels", "labels", "depot"),
        Resource("Parcel lockers", "lockers", "depot, public", KEYLESS),
        Resource("Depots", "depots", "depot"),
        Resource("Customs declarations", "customs", "partner"),
        Resource("Carrier rates", "rates", "partner"),
        Resource("Proof of delivery", "proofs", "tracking, personal-data"),
        Resource("Claims", "claims", "back-office, personal-data"),
        Resource("TPS reports", "reports/tps", "back-office", BASIC),
    ),
    clients=("driver app", "depot screens", "customer portal", "Globex Retail", "customs broker",
             "route planner"),
    key_count=60,
)  # fmt: skip

ORGANISATIONS = (ACME, GLOBEX, INITECH)

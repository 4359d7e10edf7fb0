"""The demo's developer portals: what is published, who has signed up, and what they have asked for."""

from collections.abc import Iterator

from apis.definition import Authentication
from apis.models import Api
from dashboard.demo.content import DemoOrganisation, Resource
from keys.models import Policy
from orgs import audit
from portal.addresses import Places
from portal.branding import check_logo
from portal.models import Developer, Entry, Plan, Portal
from portal.services import applications, developers, pages, publishing, requests, signing_up
from portal.services.publishing import PlanSettings
from portal.services.settings import set_logo, update_portal
from users import mail

# Name and where they work, the groups that they are in, what they build.
DEVELOPERS = (
    ("Amara Diallo", "northwind", ("partners",), "Invoice matcher"),
    ("Bruno Keller", "contoso", (), "Shop checkout"),
    ("Carmen Ibáñez", "fabrikam", ("partners",), "Travel wallet"),
    ("Dmitri Orlov", "litware", (), "Price watcher"),
    ("Esi Boateng", "northwind", (), "Month-end report"),
    ("Finn Larsen", "adatum", (), "Mobile app"),
    ("Gita Rao", "tailspin", (), "Hackathon prototype"),
)
PENDING, REFUSED, DISABLED = 3, 4, 6
MOST_ENTRIES = 12
WITHOUT_CATEGORY = ("public", "personal-data", "pci", "psd2")
WHAT_FOR = ("To try it out", "For applications in use", "For what your business stands on")
# By organisation: the colour of its portal, and what its logo draws on a field of 64 by 64.
LOOKS = {
    "acme-payments": ("#4455cf", "M12 20h40v26H12zM12 29h40M20 39h8"),
    "globex-retail": ("#b34a0b", "M16 24h32l-3 26H19zM24 24v-4a8 8 0 0 1 16 0v4"),
    "initech-logistics": ("#0c766c", "M12 22l20-10 20 10v22L32 54 12 44zM12 22l20 10 20-10M32 32v22"),
}
LOGO = """<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64">
<rect width="64" height="64" rx="14" fill="{accent}"/>
<path d="{mark}" fill="none" stroke="#ffffff" stroke-width="4" stroke-linejoin="round" stroke-linecap="round"/></svg>"""
TERMS = """These APIs are for the applications that you have named, and for those alone.

- Keep your keys secret. Rotate one that somebody else may have seen.
- Stay within the limits of your plan.
- We tell you six months before we take an API away.
"""
BEGIN = """## Your first call

1. **Sign up**, and confirm your e-mail address.
2. Choose an API and a plan, and name your application. Some plans are given at once, others by a person, within a day.
3. Take your key. It is shown once.

```
curl -H "Authorization: $KEY" {gateway}{path}
```

## When something goes wrong

| Answer | What it means |
|---|---|
| 401, 403 | The key is missing, disabled, or not for this API. |
| 429 | The plan's rate or quota is used up. |
| 5xx | It is us. Try again, and write to [{contact}](mailto:{contact}). |
"""
SUMMARIES = {
    "Card payments": "Charge a card, in a shop or online, at once or later.",
    "Card tokens": "Keep cards of your customers without keeping their numbers.",
    "Card disputes": "See what is disputed, and answer it with what proves you right.",
    "Terminals": "Find your terminals, name them, and see which are in use.",
    "SEPA transfers": "Send euros to any account in Europe by the next working day.",
    "Instant payments": "Send euros in ten seconds, on Sundays too.",
    "Standing orders": "Pay the same on the same day of every month.",
    "Beneficiaries": "Whom you pay, with their accounts checked before.",
    "Refunds": "Give back all or a part of what was paid.",
    "Payouts": "When your money comes, and what it is made of.",
    "Merchants": "Your shops, their names and their addresses.",
    "Merchant onboarding": "Bring a new shop in, from its first form to its first sale.",
    "Catalogue": "Every article with its texts and sizes.",
    "Product images": "Pictures of articles, in the size that you ask for.",
    "Prices": "What an article costs, where and for whom.",
    "Promotions": "What is reduced, from when and until when.",
    "Stock": "How many there are, in which shop or warehouse.",
    "Baskets": "Fill a basket now, and check out from another device.",
    "Orders": "What was ordered, and how far it has come.",
    "Returns": "Let a customer send something back, and follow it.",
    "Customers": "Who has agreed to be known to you.",
    "Loyalty points": "How many points somebody has, and what they buy.",
    "Gift cards": "Sell gift cards, and take them in payment.",
    "Store finder": "The nearest shops, and what they have.",
    "Shipments": "Hand a parcel over, and have it fetched.",
    "Tracking": "Where a parcel is, as your customers would like to know.",
    "Delivery slots": "Offer an hour for the delivery, and keep it free.",
    "Routes": "The way of a van through its day.",
    "Drivers": "Who drives today, and who is free.",
    "Vehicles": "The fleet, by size, place and range.",
    "Parcel labels": "Print a label, or show it on a telephone.",
    "Parcel lockers": "Lockers near an address, with room for your parcel.",
    "Depots": "Where parcels can be brought, and until when.",
    "Customs declarations": "Declare what is in a parcel before it leaves.",
    "Carrier rates": "What a parcel costs, by weight, way and country.",
    "Proof of delivery": "Who took a parcel, with the signature.",
}
ABOUT = """**{name}** are there for your applications day and night.

- Lists come in pages of up to 200, and a search takes several words.
- Amounts are in minor units, times in UTC.
- What has happened to each stands in its history, for two years.

Begin with the plan Bronze, which is given at once and enough to build with. The others are for what your customers use.
"""
HELP = """Write to [{contact}](mailto:{contact}) on working days, between 8:00 and 18:00 UTC.

What is planned and what is broken stands on the status page.
"""


def emails() -> list[str]:
    return [f"{name.partition(' ')[0].lower()}@{company}.example" for name, company, *_ in DEVELOPERS]


def make_portal(
    demo: DemoOrganisation, apis: list[Api], policies: list[Policy], places: Places, *, password: str
) -> None:
    gateway, (accent, mark) = f"https://api.{demo.slug}.example", LOOKS[demo.slug]
    update_portal(
        is_on=True,
        sign_up=Portal.OPEN,
        title=f"{demo.name} for developers",
        tagline=f"Build with the APIs of {demo.name}.",
        gateway_url=gateway,
        notified=[] if mail.is_real() else [demo.contact],  # a mail would go to somebody who is not there
        terms=TERMS,
        variables=f"--portal-accent: {accent};",
    )
    set_logo(logo=check_logo(LOGO.format(accent=accent, mark=mark).encode(), "logo.svg"))
    entries = make_catalogue(demo, apis, policies)
    text = BEGIN.format(gateway=gateway, contact=demo.contact, path=apis[0].listen_path)
    pages.create_page(slug="getting-started", title="Getting started", body=text, is_published=True, position=1)
    text = HELP.format(contact=demo.contact)
    pages.create_page(slug="help", title="Help", body=text, is_published=True, position=2)
    make_developers(entries, places, password)


def make_catalogue(demo: DemoOrganisation, apis: list[Api], policies: list[Policy]) -> list[Entry]:
    """Publish what the plans of the first environment open."""
    environment, by_name = demo.environments[0], {resource.name: resource for resource in demo.resources}
    plans = [policy for policy in policies if policy.name.endswith(f" {environment}")]
    shown = [api for api in apis if environment in api.tags and api.is_active][:MOST_ENTRIES]
    return [make_entry(api, by_name[str(api.name)], plans) for api in shown if str(api.name) in by_name]


def make_entry(api: Api, resource: Resource, policies: list[Policy]) -> Entry:
    categories = [tag for tag in resource.tags.split(", ") if tag not in WITHOUT_CATEGORY]
    is_for_partners = "personal-data" in resource.tags
    entry = publishing.create_entry(
        title=resource.name,
        api=api,
        summary=SUMMARIES[resource.name],
        description=ABOUT.format(name=resource.name),
        categories=categories or ["general"],
        audience=Entry.GROUPS if is_for_partners else Entry.EVERYONE,
        groups=["partners"] if is_for_partners else [],
        is_published=True,
    )
    if resource.authentication == Authentication.TOKEN:
        publishing.set_plans(entry=entry, plans=[*plans_of(api, policies)])
    return entry


def plans_of(api: Api, policies: list[Policy]) -> Iterator[PlanSettings]:
    """The first is given at once. What no policy opens has none: it is there to be read."""
    opening = [policy for policy in policies if policy.apis.filter(pk=api.pk).exists()]
    for number, (policy, description) in enumerate(zip(opening, WHAT_FOR, strict=False)):
        name, approval = policy.name.partition(" ")[0], Plan.BY_HAND if number else Plan.AUTOMATIC
        yield PlanSettings(policy=policy, name=name, description=description, approval=approval)


def make_developers(entries: list[Entry], places: Places, password: str) -> None:
    """Some have a key, one waits for another, one was refused, one is disabled."""
    plans = list(
        Plan.objects.filter(entry__in=entries).select_related("policy", "entry").order_by("entry_id", "position")
    )
    for number, (email, (name, _, groups, building)) in enumerate(zip(emails(), DEVELOPERS, strict=True)):
        with audit.acting(audit.Actor(id="", name=email)):
            made = Developer(email=email, name=name, groups=list(groups), terms_revision=1)
            developer = signing_up.create(made, password=password, how="signed up")
        seen = [plan for plan in plans if {*plan.entry.groups} <= {*groups}]
        given = [plan for plan in seen if plan.approval == Plan.AUTOMATIC]
        asked = [plan for plan in seen if plan.approval == Plan.BY_HAND]
        with audit.acting(audit.Actor(id=developer.pk, name=email)):
            application = applications.create_application(developer=developer, name=building)
            for plan in given[number % len(given) :][: 1 + number % 2]:
                requests.take_key(asked=requests.ask(places=places, application=application, plan=plan))
            if number >= PENDING:
                plan, purpose = asked[number % len(asked)], "We go live next month."
                wish = requests.ask(places=places, application=application, plan=plan, purpose=purpose)
        if number == REFUSED and not mail.is_real():
            reason = "The first plan is enough for reports once a month."
            requests.refuse(places=places, asked=wish, by=audit.actor().name, reason=reason)
        if number == DISABLED:
            developers.disable_developer(developer=developer)

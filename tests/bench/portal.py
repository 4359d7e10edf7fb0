"""A portal of 500 APIs, one of them with a document of 1 MB: its pages, and hosts that nobody has."""

from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from apis import definition as definitions
from apis import services as apis
from apis.definition import Authentication
from keys.policies.services import create_policy
from keys.rights import ApiAccess
from orgs import scope
from orgs.models import Organisation
from orgs.services import create_organisation
from portal.models import Plan
from portal.services import publishing
from portal.services.settings import update_portal

SHOP, LARGE = "shop", "large-document"
PUBLISHED = 500
KINDS = ("payments", "orders", "catalogue", "customers", "billing", "search", "shipping", "stock")
SCOPES = ("public", "internal", "partner", "legacy")
PAGES = ("/", "/?q=payments+partner", "/?q=nothing-has-this", "/?category=billing")
Say = Callable[[str, float, float, str], None]


def seed(document: Path) -> None:
    """Make the organisation by its services, unless it is there."""
    with scope.opened(scope.by_slug(SHOP)):
        if Organisation.objects.filter(slug=SHOP).exists():
            return
    organisation = create_organisation(slug=SHOP, name="Shop")
    with scope.opened(scope.of(organisation.id)):
        update_portal(is_on=True, gateway_url="https://api.shop.example")
        for number in range(PUBLISHED):
            publish(number)
        if document.exists():
            api = apis.import_text(document.read_bytes(), listen_path="/large/")
            publishing.create_entry(title="Large", slug=LARGE, api=api, is_published=True)


def publish(number: int) -> None:
    kind, reach = KINDS[number % len(KINDS)], SCOPES[number // len(KINDS) % len(SCOPES)]
    api = apis.create_api(
        definition=definitions.build(
            name=f"{kind.capitalize()} {reach} {number}", listen_path=f"/shop/{number}/", target_url="https://shop.example/",
            authentication=Authentication.TOKEN, rate=0, per=0, tags=[], active=True,
        )
    )  # fmt: skip
    policy = create_policy(name=f"Plan {number}", accesses=[ApiAccess(api.pk)], rate=10, per_s=1)
    entry = publishing.create_entry(
        title=f"{kind.capitalize()} {reach} {number}", api=api, categories=[kind], is_published=True,
        summary=f"Everything that is {reach} about {kind}, one at a time or in bulk.",
    )  # fmt: skip
    publishing.set_plans(entry=entry, plans=[{"policy": policy, "name": "Standard", "approval": Plan.BY_HAND}])


def measure(walls: Any, compare: Any, say: Say, rounds: int, document: Path) -> None:
    for url in PAGES:
        compare(
            f"the catalogue of {PUBLISHED} APIs, {url} / a bare view of constant bytes",
            lambda url=url: walls("portal", SHOP, url),
            lambda: walls("bare_view"),
            most=25,
            rounds=rounds,
        )
    if document.exists():
        url = f"/apis/{LARGE}/"
        first = [1000 * walls("portal_anew", SHOP, url) for _ in range(max(5, rounds // 10))]
        say("an API's page with a document of 1 MB, made anew, in ms", median(first), 300, f"worst {max(first):.0f} ms")
        again = [1000 * walls("portal", SHOP, url) for _ in range(rounds)]
        say("the same of a revision that is kept, in ms", median(again), 300, f"worst {max(again):.0f} ms")
    else:
        print(f"  {document} is missing: the page of a large document is not measured")
    asked = walls("unknown_host", 100)
    say("statements for 100 requests to a host that nobody has", asked, 1, "of the first one alone")

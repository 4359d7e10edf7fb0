"""The OpenAPI documents of catalogue entries, as developers get them: made once for each revision, and kept.

What is kept is found by the ids of the organisation and of the document, so nothing of one organisation is another's.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple
from urllib.parse import urlsplit

from django.utils.safestring import SafeString

from apis import definition as definitions
from apis.definition import Authentication, RawDefinition
from apis.models import Api
from apis.rules import get
from orgs.http import CONTENT_POLICY
from portal import reference
from portal.kept import Kept, Text
from portal.markdown import Together
from portal.models import Documentation, Entry, Portal

RENDERED: Kept[SafeString] = Kept(most_characters=10_000_000)
FOR_VIEWERS: Kept[str] = Kept(most_characters=10_000_000)


class Call(NamedTuple):
    """How the entry's API is called. An empty address is one that nobody has told.

    `targets` lie behind the gateway, and are nobody's business, wherever in a document they stand.
    """

    address: str
    authentication: Authentication
    header: str
    targets: tuple[str, ...] = ()


def call_of(entry: Entry, portal: Portal) -> Call:
    """The entry's API, with its definition, has been read with it (`select_related`)."""
    if entry.api is None:
        return Call("", Authentication.TOKEN, "Authorization")
    definition = definitions.parse(entry.api.definition)
    header = get(definition, "auth", "auth_header_name") or "Authorization"
    root = f"https://{entry.api.domain}" if entry.api.domain else portal.gateway_url.rstrip("/")
    address = f"{root}{entry.api.listen_path}" if root else ""
    return Call(address, Authentication(entry.api.authentication), header, tuple(_targets(definition)))


def _targets(definition: RawDefinition) -> Iterator[str]:
    versions = (get(definition, "version_data", "versions") or {}).values()
    found = [get(definition, "proxy", "target_url"), *(get(definition, "proxy", "target_list") or [])]
    found += [get(version, "override_target") for version in versions]
    yield from (target if "://" in target else f"//{target}" for target in found if target)


def lets_browsers_read(entry: Entry, origin: str) -> bool:
    """Whether its definition has gateways tell browsers that pages of this origin may read the answers."""
    cors = definitions.parse(entry.api.definition).get("CORS") if entry.api else None
    origins = cors.get("allowed_origins") if isinstance(cors, dict) and cors.get("enable") else None
    return isinstance(origins, list) and (not origins or "*" in origins or origin in origins)


def has_document(entry: Entry) -> bool:
    return entry.shows_documentation and _key(entry) is not None


def rendered(entry: Entry, call: Call) -> SafeString | None:
    """Return the documentation as markup, or None where there is none."""

    def make(text: str) -> SafeString:
        return reference.render(text, server_url=call.address, markdown=Together().html, hidden=call.targets)

    return _made(entry, RENDERED, call, make)


def for_viewer(entry: Entry, call: Call) -> str | None:
    """Return the document as JSON, or None where there is none."""

    def make(text: str) -> str:
        return reference.for_viewer(
            text,
            server_url=call.address,
            header_name=call.header,
            authentication=call.authentication,
            hidden=call.targets,
        )

    return _made(entry, FOR_VIEWERS, call, make)


def policy_of(call: Call) -> str:
    """Return the Content-Security-Policy of the viewer's page, which calls the gateway."""
    parts = urlsplit(call.address)
    connects = "connect-src 'self'"
    return (
        CONTENT_POLICY.replace(connects, f"{connects} {parts.scheme}://{parts.netloc}")
        if parts.netloc
        else CONTENT_POLICY
    )


def _made(entry: Entry, kept: Kept[Text], call: Call, make: Callable[[str], Text]) -> Text | None:
    key = _key(entry) if entry.shows_documentation else None
    # Two entries may show one document, each of an API with another target to hide.
    return kept.get((entry.organisation_id, *key, *call), lambda: make(_text(entry))) if key else None


def _key(entry: Entry) -> tuple[str, int] | None:
    if entry.documentation_id:
        return entry.documentation_id, 0
    has_own = Api.objects.filter(pk=entry.api_id).exclude(openapi="").exists()
    return (entry.api.pk, entry.api.revision) if entry.api and has_own else None


def _text(entry: Entry) -> str:
    if entry.documentation_id:
        return Documentation.objects.values_list("text", flat=True).get(pk=entry.documentation_id)
    return Api.objects.values_list("openapi", flat=True).get(pk=entry.api_id)

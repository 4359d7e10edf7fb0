"""Import of what a person has: whichever kind of document it is."""

from collections.abc import Sequence

from apis import definition as definitions
from apis import oas, openapi
from apis.models import Api
from apis.rules import RawDefinition
from apis.services import storing
from apis.services.classic import create_api
from apis.services.documents import import_oas


def import_text(
    data: bytes | str, *, target_url: str | None = None, listen_path: str | None = None, tags: Sequence[str] = ()
) -> Api:
    """Create an API from an OpenAPI document or a classic definition, whichever it is, with these tags beside its own.

    Raises OpenAPIError, DefinitionError, ListenPathTaken or SameApiId, each with a sentence.
    """
    raw = openapi.load(data)
    if definitions.is_tyk_definition(raw):
        return create_api(definition=_led(definitions.unwrap(raw), target_url, listen_path, tags))
    if oas.is_oas_document(raw):
        choices = oas.Choices(upstream_url=target_url or "", listen_path=listen_path or "", tags=tuple(tags))
        return import_oas(document=raw, choices=choices)
    document = openapi.document_of(raw)
    definition = openapi.to_definition(document, slug_prefix=storing.organisation_slug(), target_url=target_url)
    return create_api(definition=_led(definition, target_url, listen_path, tags), openapi_text=document.text)


def _led(
    definition: RawDefinition, target_url: str | None, listen_path: str | None, tags: Sequence[str]
) -> RawDefinition:
    """Return the definition with the addresses and tags that the importer chose."""
    own = definition.get("tags") or []
    if tags and isinstance(own, list):
        definition = definition | {"tags": [*own, *(tag for tag in tags if tag not in own)]}
    chosen = {key: value for key, value in (("target_url", target_url), ("listen_path", listen_path)) if value}
    return definition | {"proxy": definition["proxy"] | chosen} if isinstance(definition["proxy"], dict) else definition

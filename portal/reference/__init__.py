"""An API's documentation, made of its OpenAPI document: as HTML, and as a viewer gets the document."""

from collections.abc import Callable, Iterable

import msgspec
from django.utils.safestring import SafeString

from portal.reference.outline import outline
from portal.reference.published import published
from portal.reference.rendering import rendered
from portal.reference.viewing import for_viewer

__all__ = ["for_viewer", "render"]


def render(
    document_text: str, *, server_url: str, markdown: Callable[[str], SafeString], hidden: Iterable[str] = ()
) -> SafeString:
    """Return the document's reference. Neither its servers nor what is `hidden` are named in it.

    It depends on nothing but the arguments: a cache may keep it for the API's revision and `server_url`.
    """
    document = msgspec.json.decode(document_text)
    return rendered(outline(published(document, server_url=server_url, hidden=hidden)), markdown=markdown)

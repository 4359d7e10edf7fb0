"""Served or not, and deleted: the same for both forms."""

from django.db import transaction

from apis import definition as definitions
from apis import oas, openapi
from apis.models import Api
from apis.services import documents, storing
from apis.services.storing import KIND
from orgs import audit


@transaction.atomic
def set_active(*, api: Api, is_active: bool) -> Api:
    """Let gateways serve the API, or not. Only to be served must the definition be valid by today's rules."""
    saved = storing.locked(api)
    definition = definitions.parse(saved.definition) | {"active": is_active}
    document = oas.activate(storing.document_of(saved), is_active=is_active) if saved.is_oas else None
    if is_active and document:
        documents.require_valid(document, api_id=saved.api_id)
    elif is_active:
        storing.require_valid(definition, api_id=saved.api_id)
    storing.replace(saved, definition, document=document)
    audit.record("activated" if is_active else "deactivated", kind=KIND, obj=saved)
    return saved


@transaction.atomic
def delete_api(*, api: Api) -> None:
    """Delete the API and every key's access to it; a key that named no other API then opens nothing.

    Raises NamedAsVersion.
    """
    storing.refuse_while_named(api)
    audit.record("deleted", kind=KIND, obj=api)
    api.delete()


def has_target(api: Api) -> bool:
    """Whether gateways could call the target: a document without a server has got a placeholder."""
    return bool(api.target_url != openapi.PLACEHOLDER)

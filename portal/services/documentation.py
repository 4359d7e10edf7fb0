"""The OpenAPI documents that clients send for catalogue entries."""

from django.db import transaction

from orgs import audit
from portal.models import Documentation
from users.services.errors import Refused

KIND = "documentation"
MOST = 1_000


@transaction.atomic
def create_documentation(*, text: str) -> Documentation:
    """`text` is that of a document that `apis.openapi` has read."""
    if Documentation.objects.count() >= MOST:
        raise Refused(f"There are {MOST:,} documents: delete those that no entry of the catalogue shows.")
    documentation = Documentation.objects.create(text=text)
    audit.record("created", kind=KIND, obj=documentation)
    return documentation


@transaction.atomic
def delete_documentation(*, documentation: Documentation) -> None:
    """An entry that shows it has its API's own document again, if there is one."""
    audit.record("deleted", kind=KIND, obj=documentation)
    documentation.delete()

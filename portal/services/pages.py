"""What changes the pages that an organisation writes for its portal."""

from typing import Any, TypedDict

from django.db import transaction

from orgs import audit
from orgs.unique import unless_taken
from portal import markdown
from portal.models import Page
from portal.names import slug_fault
from users.services.errors import Refused

KIND = "portal_pages"
MOST = 200


class PageSettings(TypedDict, total=False):
    slug: str
    title: str
    body: str
    is_published: bool
    is_for_developers: bool
    in_navigation: bool
    position: int
    extra: dict[str, Any]


UNTOLD = ("body", "extra")  # in the audit trail, since they are long


@transaction.atomic
def create_page(**settings: Any) -> Page:
    """Make a page out of PageSettings."""
    if Page.objects.count() >= MOST:
        raise Refused(f"A portal has at most {MOST} pages.")
    page = Page(**settings)
    _write(page, force_insert=True)
    audit.record("created", kind=KIND, obj=page)
    return page


@transaction.atomic
def update_page(*, page: Page, revision: int, **settings: Any) -> Page:
    """Change what is named; `revision` is the one that the change was made from. Raises Refused."""
    saved = Page.objects.select_for_update().get(pk=page.pk)
    if saved.revision != revision:
        raise Refused(f"{saved.title} was changed meanwhile: nothing has been done. Look at it again.")
    before = {name: getattr(saved, name) for name in settings}
    for name, value in settings.items():
        setattr(saved, name, value)
    if changes := audit.differences(before, settings, untold=UNTOLD):
        saved.revision += 1
        _write(saved)
        audit.record("changed", kind=KIND, obj=saved, changes=changes)
    return saved


@transaction.atomic
def delete_page(*, page: Page) -> None:
    audit.record("deleted", kind=KIND, obj=page)
    page.delete()


def _write(page: Page, **how: Any) -> None:
    if not page.title.strip():
        raise Refused("Title: give it one.")
    if fault := slug_fault(page.slug):
        raise Refused(fault)
    if fault := markdown.fault(page.body):
        raise Refused(f"Text: {fault}")
    with unless_taken(Refused("Address: another page has it."), "portal_pages_slug"):
        page.save(**how)

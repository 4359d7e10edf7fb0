"""What changes the registry of segment tags and the tagging standard. Both are the installation's: each function runs
in its scope, with a line in its audit trail; what an organisation notices of it is done by `gateways.tags.telling`.
"""

from django.db import IntegrityError, connection, transaction

from apis.models import SegmentTag, TaggingStandard
from apis.rules import MAX_TAG
from apis.tagging import ANY_TEXT, SLUG, Standard
from apis.tags import LOCK
from gateways.tags import telling
from gateways.tags.telling import KIND, Entry
from orgs import audit, scope
from orgs.models import Organisation

STANDARD_KIND = "tagging_standard"
MOST_ALLOWED, LONGEST_PATTERN, MOST_REQUIRED = 200, 100, 50


class TagRefused(ValueError):
    """The text is a sentence for whoever asked; nothing was changed."""


def create_tag(*, name: str, owner_id: str = "", is_automatic: bool = False) -> SegmentTag:
    """Register a tag of an organisation, or of all where `owner_id` is empty. Raises TagRefused."""
    return _write(SegmentTag(), Entry(name, owner_id, is_automatic), before=None)


def update_tag(*, tag: SegmentTag, name: str, owner_id: str, is_automatic: bool) -> SegmentTag:
    """Raises TagRefused."""
    with scope.opened(scope.INSTALLATION, savepoint=True):
        _lock()
        saved = _saved(tag)
        return _write(saved, Entry(name, owner_id, is_automatic), before=Entry.of(saved))


def delete_tag(*, tag: SegmentTag) -> None:
    """Let everybody have the tag. Definitions that carry it keep it."""
    with scope.opened(scope.INSTALLATION, savepoint=True):
        _lock()
        saved = _saved(tag)
        entry = Entry.of(saved)
        saved.delete()
        changes = {fact: [value, None] for fact, value in _facts(entry).items() if value and fact != "name"}
        audit.record("deleted", kind=KIND, name=entry.name, changes=changes)
        telling.tell(entry, None)


def set_standard(*, standard: Standard, is_enforced: bool) -> TaggingStandard:
    """Replace the tagging standard. What is saved stays as it is until it is saved again. Raises TagRefused."""
    checked = checked_standard(standard)
    with scope.opened(scope.INSTALLATION, savepoint=True):
        _lock()
        saved = TaggingStandard.objects.first() or TaggingStandard()
        before = _standard_facts(saved)
        saved.pattern, saved.allowed = checked.pattern, list(checked.allowed)
        saved.least, saved.most, saved.is_enforced = checked.least, checked.most, is_enforced
        if changes := audit.differences(before, _standard_facts(saved)):
            saved.save()
            audit.record("changed", kind=STANDARD_KIND, changes=changes)
    return saved


def current_standard() -> TaggingStandard:
    """The standard as it is saved; where there is none, one that asks for nothing."""
    with scope.opened(scope.INSTALLATION):
        return TaggingStandard.objects.first() or TaggingStandard()


def _write(tag: SegmentTag, wanted: Entry, *, before: Entry | None) -> SegmentTag:
    entry = _checked_entry(wanted)
    with scope.opened(scope.INSTALLATION, savepoint=True):
        _lock()
        tag.name, tag.owner_id, tag.is_automatic = entry.name, entry.owner_id, entry.is_automatic
        facts = _facts(before) if before else {"name": entry.name, "is_automatic": False}
        if changes := audit.differences(facts, _facts(entry)):
            _save(tag, force_insert=before is None)
            audit.record("changed" if before else "created", kind=KIND, obj=tag, changes=changes)
            telling.tell(before, entry)
    return tag


def _lock() -> None:
    """Wait for who saves an API now, and let who saves one next see the change."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])


def _saved(tag: SegmentTag) -> SegmentTag:
    saved = SegmentTag.objects.select_for_update().filter(pk=tag.pk).first()
    if saved is None:
        raise TagRefused("The tag has been deleted meanwhile.")
    return saved


def _save(tag: SegmentTag, *, force_insert: bool) -> None:
    try:
        with transaction.atomic():
            tag.save(force_insert=force_insert)
    except IntegrityError:
        raise TagRefused("Name: there is already a tag with this name.") from None


def _checked_entry(wanted: Entry) -> Entry:
    name = _name(wanted.name, "Name")
    if wanted.is_automatic and not wanted.owner_id:
        raise TagRefused("Automatic: give the tag to an organisation, on whose APIs it shall be.")
    if wanted.owner_id and not telling.organisations([wanted.owner_id]):
        raise TagRefused("Organisation: there is none with this id.")
    return Entry(name, wanted.owner_id, wanted.is_automatic)


def _name(text: str, label: str) -> str:
    name = text.strip()
    if not name.isprintable() or "," in name or not 0 < len(name) <= MAX_TAG:
        raise TagRefused(f"{label}: a tag has 1 to {MAX_TAG} printable characters, and no comma.")
    return name


def _facts(entry: Entry) -> dict[str, object]:
    """What the installation's audit trail tells of a tag."""
    owners = telling.organisations([entry.owner_id]) if entry.owner_id else []
    owner = owners[0].slug if owners else entry.owner_id or "all organisations"
    return {"name": entry.name, "belongs to": owner, "is_automatic": entry.is_automatic}


def _standard_facts(standard: TaggingStandard) -> dict[str, object]:
    return {
        "is_enforced": standard.is_enforced,
        "pattern": standard.pattern,
        "allowed": list(standard.allowed),
        "at least": standard.least,
        "at most": standard.most,
    }


def checked_standard(standard: Standard) -> Standard:
    pattern = standard.pattern.strip()
    if not pattern.isprintable() or "," in pattern or len(pattern) > LONGEST_PATTERN:
        raise TagRefused(f"Pattern: give at most {LONGEST_PATTERN} printable characters, and no comma.")
    if "{" in pattern.replace(SLUG, "") or "}" in pattern.replace(SLUG, ""):
        raise TagRefused(f"Pattern: braces stand only in {SLUG}; “{ANY_TEXT}” is any text.")
    if len(standard.allowed) > MOST_ALLOWED:
        raise TagRefused(f"Allowed tags: give at most {MOST_ALLOWED}.")
    allowed = tuple(dict.fromkeys(_name(tag, "Allowed tags") for tag in standard.allowed))
    if not 0 <= standard.least <= MOST_REQUIRED:
        raise TagRefused(f"At least: give a number up to {MOST_REQUIRED}.")
    if standard.most is not None and not standard.least <= standard.most <= MOST_REQUIRED:
        raise TagRefused(f"At most: give a number from {standard.least} to {MOST_REQUIRED}, or leave it empty.")
    return Standard(pattern, allowed, standard.least, standard.most)


def owner_of(tag: SegmentTag) -> Organisation | None:
    """The organisation that the tag belongs to, where it still exists."""
    return next(iter(telling.organisations([tag.owner_id])), None) if tag.owner_id else None

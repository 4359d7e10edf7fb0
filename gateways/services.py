"""What changes groups of gateways. They are the installation's: each function runs in its scope, with a line in its
audit trail; what an organisation has of it is written out by `gateways.serving`.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import TypedDict, Unpack
from urllib.parse import urlsplit

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from apis.rules import MAX_TAG
from gateways import bus, credentials
from gateways.credentials import BadSecret
from gateways.models import GatewayGroup, Lane, Node
from gateways.serving import KIND
from keys.token import HashAlgorithm
from orgs import audit, scope
from orgs.ids import is_id
from orgs.models import Organisation
from orgs.sealing import seal, unseal

DEFAULT_NAME = "Default"
MOST_TAGS = 50
LONGEST_URL = 2_000
GRACES = {
    timedelta(0): "now",
    timedelta(hours=1): "1 hour",
    timedelta(hours=24): "24 hours",
    timedelta(days=7): "7 days",
}


class GroupRefused(ValueError):
    """The text is a sentence for whoever asked; nothing was changed."""


class GroupSettings(TypedDict, total=False):
    """`redis_url` and `api_secret` are kept encrypted; an empty address of a Redis is the installation's."""

    name: str
    serves_all: bool
    organisation_ids: Sequence[str]
    tags: Sequence[str]
    hash_algorithm: str
    redis_url: str
    api_url: str
    api_secret: str


def create_group(*, secret: str = "", **settings: Unpack[GroupSettings]) -> tuple[GatewayGroup, str]:
    """Make a group; return it with its node secret, which is shown once. Raises GroupRefused."""
    secret = _checked(secret) if secret else credentials.new_secret()
    with scope.opened(scope.INSTALLATION, savepoint=True):
        group = GatewayGroup(hash_algorithm=default_hash())
        _fill(group, {"name": "", **settings})
        credentials.give(group, secret)
        _save(group, force_insert=True)
        Lane.objects.create(pk=group.pk)
        audit.record("created", kind=KIND, obj=group, changes=_first_facts(group))
    return group, secret


def update_group(*, group: GatewayGroup, **settings: Unpack[GroupSettings]) -> GatewayGroup:
    """Change what is named. Raises GroupRefused.

    A Redis that changes is delivered everything; so it is when private keys are to be read with another secret.
    """
    with scope.opened(scope.INSTALLATION, savepoint=True):
        saved = _locked(group)
        before, known = facts(saved), _secrets(saved)
        _fill(saved, settings)
        changes = audit.differences(before, facts(saved))
        for name, secret in _secrets(saved).items():
            if secret != known[name]:
                changes.setdefault(name, ["given", "another one"])
        if changes:
            _save(saved)
            audit.record("changed", kind=KIND, obj=saved, changes=changes)
            if changes.keys() & {"redis", "API secret"}:
                Lane.objects.filter(pk=saved.pk).update(marker="", due_at=timezone.now())
    return saved


def rotate_secret(*, group: GatewayGroup, grace: timedelta) -> tuple[GatewayGroup, str]:
    """Give the group a new node secret; return it with that. The one until now is good for `grace` (one of GRACES)."""
    secret = credentials.new_secret()
    with scope.opened(scope.INSTALLATION, savepoint=True):
        saved = _locked(group)
        saved.previous_digest, saved.previous_sealed = saved.digest, saved.sealed
        saved.previous_until = timezone.now() + grace
        credentials.give(saved, secret)
        _save(saved)
        audit.record("rotated", kind=KIND, obj=saved, changes={"the old one stops": [None, GRACES[grace]]})
    return saved, secret


def retire_previous(*, group: GatewayGroup) -> GatewayGroup:
    """End the grace of a rotation: from now on only the newest secret is good."""
    with scope.opened(scope.INSTALLATION, savepoint=True):
        saved = _locked(group)
        if credentials.has_previous(saved):
            saved.previous_until = timezone.now()
            _save(saved)
            audit.record("retired the previous secret of", kind=KIND, obj=saved)
    return saved


def delete_group(*, group: GatewayGroup) -> int:
    """Delete the group; return how many nodes it had. Its gateways keep what they have loaded, and get nothing new."""
    with scope.opened(scope.INSTALLATION, savepoint=True):
        saved = _locked(group)
        nodes = Node.objects.filter(group=saved).delete()[0]
        Lane.objects.filter(pk=saved.pk).delete()
        audit.record("deleted", kind=KIND, obj=saved, changes={"nodes": [nodes, 0]})
        saved.delete()
    return nodes


def ensure_default_group() -> tuple[GatewayGroup, bool]:
    """Return the first group, made where there is none: it serves all organisations, with the secret of NODE_SECRET."""
    with scope.opened(scope.INSTALLATION):
        group = GatewayGroup.objects.order_by("created_at", "id").first()
    if group:
        return group, False
    return create_group(name=DEFAULT_NAME, serves_all=True, secret=settings.NODE_SECRET)[0], True


def facts(group: GatewayGroup) -> dict[str, object]:
    """What the audit trail tells of a group: no secret, and of its Redis no password."""
    redis_url = unseal(group.sealed_redis_url) if group.sealed_redis_url else ""
    return {
        "name": group.name,
        "organisations": "all" if group.serves_all else sorted(group.organisation_ids),
        "tags": list(group.tags),
        "hash algorithm": group.hash_algorithm,
        "redis": without_password(redis_url) if redis_url else "the installation's",
        "API": group.api_url,
        "API secret": "given" if group.sealed_api_secret else "",
    }


def _secrets(group: GatewayGroup) -> dict[str, str]:
    """By the facts that stay alike where only the secret in them is another."""
    sealed = {"redis": group.sealed_redis_url, "API secret": group.sealed_api_secret}
    return {name: unseal(text) if text else "" for name, text in sealed.items()}


def without_password(url: str) -> str:
    """It may stand among the options too."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()


def _first_facts(group: GatewayGroup) -> dict[str, list[object]]:
    return {name: [None, value] for name, value in facts(group).items() if value}


def default_hash() -> str:
    return str(settings.KEY_HASH)


def _locked(group: GatewayGroup) -> GatewayGroup:
    saved = GatewayGroup.objects.select_for_update().filter(pk=group.pk).first()
    if saved is None:
        raise GroupRefused("The group has been deleted meanwhile.")
    return saved


def _fill(group: GatewayGroup, given: GroupSettings) -> None:
    if "name" in given:
        group.name = _name(given["name"])
    group.serves_all = given.get("serves_all", group.serves_all)
    if "organisation_ids" in given:
        group.organisation_ids = _organisations(given["organisation_ids"])
    if group.serves_all:
        group.organisation_ids = []
    if "tags" in given:
        group.tags = _tags(given["tags"])
    if "hash_algorithm" in given:
        group.hash_algorithm = _algorithm(given["hash_algorithm"])
    if "redis_url" in given:
        group.sealed_redis_url = _sealed_redis(given["redis_url"])
    if "api_url" in given:
        group.api_url = _url(given["api_url"], "API", ("http", "https"))
    if given.get("api_secret"):
        group.sealed_api_secret = seal(given["api_secret"])
    elif not group.api_url:
        group.sealed_api_secret = ""


def _name(name: str) -> str:
    if not 1 <= len(name.strip()) <= 80 or not name.strip().isprintable():
        raise GroupRefused("Name: give 1 to 80 printable characters.")
    return name.strip()


def _organisations(ids: Sequence[str]) -> list[str]:
    with scope.opened(scope.EVERYTHING):
        known = set(Organisation.objects.filter(pk__in=[id for id in ids if is_id(id)]).values_list("id", flat=True))
    if unknown := [id for id in ids if id not in known]:
        raise GroupRefused(f"Organisations: there is none with the id {unknown[0]}.")
    return sorted(known)


def _tags(tags: Sequence[str]) -> list[str]:
    checked = list(dict.fromkeys(tag.strip() for tag in tags))
    if len(checked) > MOST_TAGS or any(not tag.isprintable() or not 0 < len(tag) <= MAX_TAG for tag in checked):
        raise GroupRefused(f"Tags: give at most {MOST_TAGS}, of 1 to {MAX_TAG} printable characters each.")
    return checked


def _algorithm(name: str) -> str:
    if name not in [algorithm.value for algorithm in HashAlgorithm]:
        raise GroupRefused(f"Hash algorithm: give one of {', '.join(HashAlgorithm)}.")
    return name


def _sealed_redis(url: str) -> str:
    checked = _url(url, "Redis", bus.SCHEMES)
    try:
        return seal(bus.checked(checked)) if checked else ""
    except ValueError as error:
        raise GroupRefused(f"Redis: that address cannot be used: {error}.") from None


def _url(url: str, label: str, schemes: Sequence[str]) -> str:
    url = url.strip()
    if not url:
        return ""
    if not _is_address(url, schemes):
        raise GroupRefused(f"{label}: give an address that begins with {' or '.join(f'{s}://' for s in schemes)}.")
    return url


def _is_address(url: str, schemes: Sequence[str]) -> bool:
    try:
        parts = urlsplit(url)
        is_port_good = parts.port != 0
    except ValueError:  # brackets without an IPv6 address, a port that is no number
        return False
    is_whole = parts.scheme in schemes and bool(parts.hostname) and is_port_good
    return is_whole and len(url) <= LONGEST_URL and url.isprintable() and " " not in url


def _checked(secret: str) -> str:
    try:
        return credentials.checked(secret)
    except BadSecret as error:
        raise GroupRefused(str(error)) from None


def _save(group: GatewayGroup, *, force_insert: bool = False) -> None:
    try:
        with transaction.atomic():
            group.save(force_insert=force_insert)
    except IntegrityError as error:
        if "gateway_groups_digest" in str(error):
            raise GroupRefused("Node secret: another group has this one.") from None
        raise GroupRefused("Name: there is already a group with this name.") from None

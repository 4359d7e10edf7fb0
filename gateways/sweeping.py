"""Which organisations a group serves, and what a Redis still holds of those that it serves no more.

The Redis itself keeps the ids of the organisations that were delivered to it. So one that is deleted, or that a group
does not serve any longer, is noticed by what is there and should not be, whoever did it and whenever.
"""

import logging
from collections.abc import Iterator

import msgspec
import redis
from django.db.models import Count

from gateways import bus
from gateways.models import GatewayGroup, Serving
from gateways.outbox import CERTIFICATE, KEY, OAUTH, OAUTH_CLIENT, ORGANISATION_KEY
from gateways.protocol import DROP_SESSIONS, RELOAD
from orgs import scope

log = logging.getLogger(__name__)
AT_ONCE = 1_000


class _Owner(msgspec.Struct):
    org_id: str = ""


def organisations_name(group_id: str) -> str:
    return f"commonhold.{group_id}.organisations"


def marker_name(group_id: str) -> str:
    return f"commonhold.{group_id}.marker"


def served_by(group_id: str) -> list[str]:
    with scope.opened(scope.EVERYTHING):
        rows = Serving.objects.filter(group_id=group_id).order_by("organisation_id")
        return list(rows.values_list("organisation_id", flat=True))


def how_many_served() -> dict[str, int]:
    """Return for each group how many organisations it serves, in the scope of everything."""
    return dict(Serving.objects.order_by().values("group_id").annotate(n=Count("*")).values_list("group_id", "n"))


def sweep(client: "redis.Redis", group: GatewayGroup, node_secrets: list[str]) -> bool:
    """Take what is of organisations out that the group does not serve, and have their APIs forgotten; say if any was.

    Another group may have the same Redis: what that one serves stays.
    """
    name = organisations_name(group.pk)
    held = {str(id) for id in client.smembers(name)}
    gone = held - set(served_by(group.pk)) if held else set()
    if not gone:
        return False
    log.info("%s serves %d organisations no longer: taking them out of its Redis.", group, len(gone))
    bus.publish(client, RELOAD, "", node_secrets)
    sharing = _sharing(group)
    if unserved := gone - {id for other in sharing for id in served_by(other)}:
        take_out(client, unserved, node_secrets)
        _have_others_look(client, {group.pk, *sharing})
    client.srem(name, *gone)
    return True


def _sharing(group: GatewayGroup) -> list[str]:
    """Return the other groups with this one's Redis."""
    with scope.opened(scope.INSTALLATION):
        others = list(GatewayGroup.objects.exclude(pk=group.pk))
    return [other.pk for other in others if bus.place_of(other) == bus.place_of(group)]


def _have_others_look(client: "redis.Redis", known: set[str]) -> None:
    """One Redis has several addresses: a group that has it by another one, and misses its marker, delivers anew."""
    ours = {marker_name(id) for id in known}
    if others := [name for name in client.scan_iter(match=marker_name("*"), count=AT_ONCE) if name not in ours]:
        client.delete(*others)


def take_out(client: "redis.Redis", organisations: set[str], node_secrets: list[str]) -> None:
    """Delete all that is theirs. Whose a session is, or an OAuth client, it says itself: that decides what it opens."""
    for names in _found(client, f"{KEY}*"):
        if theirs := _owned(client, names, organisations):
            client.delete(*theirs)
            bus.publish(client, DROP_SESSIONS, ",".join(name.removeprefix(KEY) for name in theirs), node_secrets)
    for names in _found(client, f"{OAUTH}*{OAUTH_CLIENT}*"):
        if theirs := _owned(client, names, organisations):
            client.delete(*theirs)
    for names in _found(client, f"{CERTIFICATE}*"):
        if theirs := [name for name in names if name.removeprefix(CERTIFICATE)[:24] in organisations]:  # with its id
            client.delete(*theirs)
    client.delete(*(f"{ORGANISATION_KEY}{id}" for id in organisations))


def _found(client: "redis.Redis", pattern: str) -> Iterator[list[str]]:
    cursor = 0
    while True:
        cursor, names = client.scan(cursor, match=pattern, count=AT_ONCE)
        if names:
            yield [str(name) for name in names]
        if cursor == 0:
            return


def _owned(client: "redis.Redis", names: list[str], organisations: set[str]) -> list[str]:
    return [name for name, value in zip(names, client.mget(names), strict=True) if _owner(value) in organisations]


def _owner(value: bytes | str | None) -> str:
    try:
        return msgspec.json.decode(value or "{}", type=_Owner).org_id
    except msgspec.DecodeError:
        return ""

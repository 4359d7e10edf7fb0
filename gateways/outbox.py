"""What is still to be delivered. Triggers add to it (migration 0002); here is what reads it, and adds to it for more
than one change.

Statements by hand: they run for each change, and for all keys of an organisation at once.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from django.db import connection

from gateways.models import Outbox
from orgs import scope

FEEDS = ""  # the lane that builds what gateways fetch
RELOAD = "reload"
BEGUN = "begun"  # to serve the organisation
KEY, ORGANISATION_KEY, QUOTA = "apikey-", "orgkey.", "quota-"
CERTIFICATE, OAUTH, OAUTH_CLIENT = "cert-raw-", "oauth-data.", ".oauth-clientid."

WAITING = """
WITH RECURSIVE waiting (organisation_id) AS (
    (SELECT organisation_id FROM gateways_outbox WHERE group_id = %(group)s ORDER BY organisation_id LIMIT 1)
    UNION ALL
    SELECT (SELECT organisation_id FROM gateways_outbox
            WHERE group_id = %(group)s AND organisation_id > waiting.organisation_id
            ORDER BY organisation_id LIMIT 1)
    FROM waiting WHERE organisation_id IS NOT NULL
)
SELECT organisation_id FROM waiting WHERE organisation_id IS NOT NULL
"""
GROUPS_WAITING = """
WITH RECURSIVE waiting (group_id) AS (
    (SELECT group_id FROM gateways_outbox ORDER BY group_id LIMIT 1)
    UNION ALL
    SELECT (SELECT group_id FROM gateways_outbox WHERE group_id > waiting.group_id ORDER BY group_id LIMIT 1)
    FROM waiting WHERE group_id IS NOT NULL
)
SELECT group_id FROM waiting WHERE group_id IS NOT NULL
"""
ADD = """
INSERT INTO gateways_outbox (organisation_id, group_id, name, is_new)
SELECT organisation_id, group_id, %(name)s, false FROM gateways_serving WHERE organisation_id = %(organisation)s
"""
# Also what was revoked or replaced: of that the Redis may hold something, from before it was not told.
ADD_EVERYTHING = """
INSERT INTO gateways_outbox (organisation_id, group_id, name, is_new)
SELECT %(organisation)s, %(group)s, 'apikey-' || hash, revoked_at IS NULL FROM keys_key
WHERE organisation_id = %(organisation)s
UNION ALL
SELECT %(organisation)s, %(group)s, 'apikey-' || previous_hash,
    revoked_at IS NULL AND coalesce(previous_until > now(), false) FROM keys_key
WHERE organisation_id = %(organisation)s AND previous_hash <> ''
UNION ALL
SELECT %(organisation)s, %(group)s, 'cert-raw-' || organisation_id || fingerprint, false FROM apis_certificate
WHERE organisation_id = %(organisation)s
UNION ALL
SELECT %(organisation)s, %(group)s, 'oauth-data.' || api.api_id || '.oauth-clientid.' || client.client_id, false
FROM apis_oauthclient AS client JOIN apis_api AS api
    ON api.organisation_id = client.organisation_id AND api.id = client.api_id
WHERE client.organisation_id = %(organisation)s
UNION ALL
SELECT %(organisation)s, %(group)s, name, false FROM unnest(%(names)s::text[]) AS name
"""
ADD_KEYS_OF_APIS = """
INSERT INTO gateways_outbox (organisation_id, group_id, name, is_new)
SELECT key.organisation_id, serving.group_id, 'apikey-' || under, false
FROM keys_key AS key JOIN gateways_serving AS serving USING (organisation_id),
    unnest(ARRAY[key.hash, key.previous_hash]) AS stored (under)
WHERE key.organisation_id = %(organisation)s AND key.revoked_at IS NULL AND under <> '' AND (
    key.has_all_apis
    OR key.id IN (SELECT key_id FROM keys_keyaccess
                  WHERE organisation_id = %(organisation)s AND api_id = ANY (%(ids)s))
    OR key.id IN (SELECT key_id FROM keys_keypolicy JOIN keys_policyaccess USING (organisation_id, policy_id)
                  WHERE organisation_id = %(organisation)s AND api_id = ANY (%(ids)s)))
"""
ADD_KEYS_OF_POLICIES = """
INSERT INTO gateways_outbox (organisation_id, group_id, name, is_new)
SELECT key.organisation_id, serving.group_id, 'apikey-' || under, false
FROM keys_key AS key JOIN gateways_serving AS serving USING (organisation_id),
    unnest(ARRAY[key.hash, key.previous_hash]) AS stored (under)
WHERE key.organisation_id = %(organisation)s AND key.revoked_at IS NULL AND under <> ''
    AND key.id IN (SELECT key_id FROM keys_keypolicy
                   WHERE organisation_id = %(organisation)s AND policy_id = ANY (%(ids)s))
"""
ADD_FEED = """
INSERT INTO gateways_outbox (organisation_id, group_id, name, is_new)
SELECT organisation_id, '', 'apis:' || id, true FROM apis_api WHERE organisation_id = %(organisation)s
UNION ALL
SELECT organisation_id, '', 'policies:' || id, true FROM keys_policy WHERE organisation_id = %(organisation)s
"""


class Entry(NamedTuple):
    id: int
    name: str
    is_new: bool


def groups_waiting() -> set[str]:
    """Return the groups with something to deliver, in the scope of everything."""
    with connection.cursor() as cursor:
        cursor.execute(GROUPS_WAITING)
        return {id for (id,) in cursor.fetchall()}


def waiting(group_id: str) -> list[str]:
    """Return the organisations with something to deliver, in the scope of everything."""
    with connection.cursor() as cursor:
        cursor.execute(WAITING, {"group": group_id})
        return [id for (id,) in cursor.fetchall()]


def count_waiting(group_id: str) -> int:
    with scope.opened(scope.EVERYTHING):
        return Outbox.objects.filter(group_id=group_id).count()


def next_entries(group_id: str, *, most: int, with_reload: bool = True) -> list[Entry]:
    """Return the open organisation's most urgent entries."""
    rows = Outbox.objects.filter(group_id=group_id)
    rows = rows if with_reload else rows.exclude(name=RELOAD)
    return [Entry(*row) for row in rows.order_by("is_new", "id").values_list("id", "name", "is_new")[:most]]


def done(entries: Iterable[Entry]) -> None:
    Outbox.objects.filter(pk__in=[entry.id for entry in entries]).delete()


def add(name: str) -> None:
    """Have each Redis that serves the open organisation told of this."""
    _execute(ADD, name=name)


def add_everything(group_id: str) -> None:
    """Have all of the open organisation delivered to this group."""
    names = [f"{ORGANISATION_KEY}{scope.current_organisation_id()}", RELOAD]
    _execute(ADD_EVERYTHING, group=group_id, names=names)


def add_keys_of_apis(ids: Sequence[str]) -> None:
    """Have the keys delivered whose session objects tell of these APIs, or of all that there are."""
    _execute(ADD_KEYS_OF_APIS, ids=list(ids))


def add_keys_of_policies(ids: Sequence[str]) -> None:
    _execute(ADD_KEYS_OF_POLICIES, ids=list(ids))


def add_feed() -> None:
    """Have all that gateways fetch of the open organisation built anew."""
    _execute(ADD_FEED)


def _execute(statement: str, **values: str | list[str]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"organisation": scope.current_organisation_id(), **values})

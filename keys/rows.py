"""The rows of new keys and of all that belongs to them, written by hand in one exchange.

The ORM wrote a key in as many exchanges as it has tables, and many keys at a tenth of the speed. Row-level security and
the keys of two columns hold these rows as they hold any other.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection

from apis import jsontext
from keys.models import Key, KeyAccess
from keys.rights import ApiAccess, stored_limit
from keys.settings import KeySettings
from keys.token import HashAlgorithm
from orgs import scope, search


class NewKey(NamedTuple):
    """A row, but for what is in the shape with this number. `tags` and `metadata` are as PostgreSQL reads them."""

    id: str
    alias: str
    username: str
    hash: str
    digest: str
    masked: str
    expires_at: datetime | None
    tags: str
    metadata: str
    sealed: str
    shape: int


SHARED = ("has_all_apis", "rate", "per_s", "quota_max", "quota_window_s", "is_disabled", "extra")

# For one key the statement for many would take three times as long to plan as to run.
INSERT_ONE = """
INSERT INTO keys_key (organisation_id, id, alias, username, hash_algorithm, hash, digest, masked, previous_hash,
    previous_digest, previous_masked, has_all_apis, rate, per_s, quota_max, quota_window_s, expires_at, is_disabled,
    tags, metadata, extra, sealed, revision, created_at, updated_at)
VALUES (%(organisation)s, %(id)s, %(alias)s, %(username)s, %(algorithm)s, %(hash)s, %(digest)s, %(masked)s, '', '', '',
    %(has_all_apis)s, %(rate)s, %(per_s)s, %(quota_max)s, %(quota_window_s)s, %(expires_at)s, %(is_disabled)s,
    %(tags)s, %(metadata)s, %(extra)s, %(sealed)s, 1, %(now)s, %(now)s);
INSERT INTO keys_keyaccess (organisation_id, key_id, api_id, versions, allowed_urls, "limit", extra)
SELECT %(organisation)s, %(id)s, api_id, versions, allowed_urls, "limit", extra
FROM json_to_recordset(%(accesses)s)
    AS access(api_id text, versions text[], allowed_urls jsonb, "limit" jsonb, extra jsonb);
INSERT INTO keys_keypolicy (organisation_id, key_id, policy_id, position)
SELECT %(organisation)s, %(id)s, policy_id, place - 1
FROM unnest(%(policies)s::text[]) WITH ORDINALITY AS policy(policy_id, place);
INSERT INTO keys_keyterm (organisation_id, key_id, term)
SELECT %(organisation)s, %(id)s, unnest(%(terms)s::text[])
"""

INSERT_MANY = """
WITH shape AS (
    SELECT * FROM json_to_recordset(%(shapes)s) AS shape(shape int, has_all_apis boolean, rate float8, per_s float8,
        quota_max bigint, quota_window_s bigint, is_disabled boolean, extra jsonb)
), sent AS (
    SELECT * FROM unnest(%(id)s::text[], %(alias)s::text[], %(username)s::text[], %(hash)s::text[], %(digest)s::text[],
        %(masked)s::text[], %(expires_at)s::timestamptz[], %(tags)s::text[], %(metadata)s::text[], %(sealed)s::text[],
        %(shape)s::int[])
        AS sent(id, alias, username, hash, digest, masked, expires_at, tags, metadata, sealed, shape)
), made AS (
    INSERT INTO keys_key (organisation_id, id, alias, username, hash_algorithm, hash, digest, masked, previous_hash,
        previous_digest, previous_masked, has_all_apis, rate, per_s, quota_max, quota_window_s, expires_at,
        is_disabled, tags, metadata, extra, sealed, revision, created_at, updated_at)
    SELECT %(organisation)s, id, alias, username, %(algorithm)s, hash, digest, masked, '', '', '', has_all_apis, rate,
        per_s, quota_max, quota_window_s, expires_at, is_disabled, tags::text[], metadata::jsonb, extra, sealed, 1,
        %(now)s, %(now)s
    FROM sent JOIN shape USING (shape)
), opened AS (
    INSERT INTO keys_keyaccess (organisation_id, key_id, api_id, versions, allowed_urls, "limit", extra)
    SELECT %(organisation)s, sent.id, api_id, versions, allowed_urls, "limit", extra
    FROM sent JOIN json_to_recordset(%(accesses)s) AS access(shape int, api_id text, versions text[],
        allowed_urls jsonb, "limit" jsonb, extra jsonb) USING (shape)
), applied AS (
    INSERT INTO keys_keypolicy (organisation_id, key_id, policy_id, position)
    SELECT %(organisation)s, sent.id, policy_id, position
    FROM sent JOIN json_to_recordset(%(policies)s) AS policy(shape int, policy_id text, position int) USING (shape)
)
INSERT INTO keys_keyterm (organisation_id, key_id, term)
SELECT %(organisation)s, key_id, term FROM unnest(%(term_keys)s::text[], %(terms)s::text[]) AS word(key_id, term)
"""


def insert_many(
    keys: Sequence[NewKey],
    shapes: Sequence[KeySettings],
    terms: Sequence[tuple[str, str]],
    *,
    algorithm: HashAlgorithm,
    now: datetime,
) -> None:
    """Write the keys, with the terms (id of the key, word) that find them.

    `shapes` are what keys have in common: each is sent once, however many keys have it.
    """
    numbered = [*enumerate(shapes)]
    written = {
        "shapes": [{"shape": at, **_shared(shape)} for at, shape in numbered],
        "accesses": [{"shape": at, **columns_of(access)} for at, shape in numbered for access in shape["accesses"]],
        "policies": [
            {"shape": at, "policy_id": id, "position": place}
            for at, shape in numbered
            for place, id in enumerate(shape["policies"])
        ],
    }
    values: dict[str, Any] = {name: jsontext.dumps(value) for name, value in written.items()}
    values |= {name: array(column) for name, column in zip(NewKey._fields, zip(*keys, strict=True), strict=True)}
    values |= {"term_keys": array([id for id, _ in terms]), "terms": array([word for _, word in terms])}
    values |= {"organisation": scope.current_organisation_id(), "algorithm": algorithm.value, "now": now}
    with connection.cursor() as cursor:
        cursor.execute(INSERT_MANY, values)


def insert_one(key: Key, chosen: KeySettings) -> None:
    own = ("id", "alias", "username", "hash", "digest", "masked", "expires_at", "sealed")
    values = {name: getattr(key, name) for name in own} | _shared(chosen)
    values |= {"organisation": key.organisation_id, "algorithm": key.hash_algorithm, "now": key.created_at}
    values |= {"tags": array(key.tags), "metadata": jsontext.dumps(key.metadata), "extra": jsontext.dumps(key.extra)}
    values["accesses"] = jsontext.dumps([columns_of(access) for access in chosen["accesses"]])
    values["policies"] = array(chosen["policies"])
    values["terms"] = array([*search.terms((key.alias, *key.tags), tags=key.tags)])
    with connection.cursor() as cursor:
        cursor.execute(INSERT_ONE, values)
    key._state.adding = False


def _shared(settings: KeySettings) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if name in SHARED}


def columns_of(access: ApiAccess) -> dict[str, Any]:
    return {
        "api_id": access.api_id,
        "versions": list(access.versions),
        "allowed_urls": [{"url": path.url, "methods": list(path.methods)} for path in access.allowed_urls],
        "limit": stored_limit(access.limit),
        "extra": dict(access.extra),
    }


def write_accesses(key: Key, accesses: Iterable[ApiAccess]) -> None:
    KeyAccess.objects.bulk_create(KeyAccess(key=key, **columns_of(access)) for access in accesses)


def array(values: Sequence[Any]) -> str:
    """Write a list as PostgreSQL does: the driver takes ten times as long."""
    return "{" + ",".join(["NULL" if value is None else _quoted(str(value)) for value in values]) + "}"


def _quoted(text: str) -> str:
    if "\\" in text or '"' in text:
        text = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'

"""Many keys at once, out of the session objects of a client: all of them or none.

What sessions have in common is checked once for all that have it; the rest is the same work as for one key, without
asking PostgreSQL for each.
"""

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

import msgspec
from django.conf import settings as django_settings
from django.db import transaction
from django.utils import timezone

from apis import jsontext
from apis.jsontext import Problem
from apis.tyk_fields import wrong_type
from keys import credentials, named, rows, token, wire
from keys.errors import BadSession, BadSetting, KeyRefused, NoSuchApi
from keys.paths import BadAllowedUrl
from keys.services import KIND
from keys.session import SessionError
from keys.settings import ALIAS_LENGTH, DEFAULTS, KeySettings, is_text, refuse_past, valid
from keys.token import HashAlgorithm
from orgs import audit, scope, search
from orgs.ids import new_id

MOST = 10_000
OWN = ("tags", "meta_data", "expires")  # what differs between sessions of one import more often than the rest
T = TypeVar("T")
R = TypeVar("R")


class Shape(NamedTuple):
    """What most keys of an import have in common."""

    number: int
    settings: KeySettings
    hmac_string: str
    jwt_secret: str
    expires_at: datetime | None


class Own(NamedTuple):
    """What each may have of its own, as PostgreSQL reads it."""

    tags: Sequence[str]
    tags_text: str
    metadata_text: str
    expires_at: datetime | None


def create_keys(documents: Sequence[Any]) -> list[tuple[str, str]]:
    """Create a key of each session; return their tokens, which are nowhere else, with the hashes, in the same order.

    Raises what `create_key` does, with the place in the list. Keys that go by a username or certificate, or that need
    a secret made for them, are made one by one: of these more is to be said than there is room for here.
    """
    if len(documents) > MOST:
        raise BadSetting(f"Give at most {MOST:,} keys at once.")
    if not documents:
        return []
    reader, now = Reader(documents), timezone.now()
    algorithm, pepper = HashAlgorithm(django_settings.KEY_HASH), django_settings.KEY_DIGEST_PEPPER
    organisation_id, chance = scope.current_organisation_id(), secrets.token_bytes(16 * len(documents)).hex()
    made: list[tuple[str, str]] = []
    keys: list[rows.NewKey] = []
    terms: list[tuple[str, str]] = []
    for at, (shape, own, alias) in enumerate(reader.sessions()):
        random = chance[32 * at : 32 * at + 32]
        text, masked, id = token.token_for(organisation_id, random, algorithm), f"…{random[-4:]}", new_id()
        hash, alias = token.hash_token(text, algorithm), alias or f"key {masked}"
        made.append((text, hash))
        keys.append(
            rows.NewKey(
                *(id, alias, "", hash, token.digest(text, pepper), masked, own.expires_at or shape.expires_at),
                *(own.tags_text, own.metadata_text, _sealed(shape), shape.number),
            )
        )
        terms += [(id, term) for term in search.terms((alias, *own.tags), tags=own.tags)]
    with transaction.atomic():
        rows.insert_many(
            keys, [shape.settings for shape in reader.shapes.values()], terms, algorithm=algorithm, now=now
        )
        name = f"{len(keys):,} keys, {keys[0].masked} to {keys[-1].masked}"
        audit.record("created", kind=KIND, name=name)
    return made


class Parts(NamedTuple):
    """A session apart, each part beside the text that it is known by."""

    alias: str
    shared: dict[str, Any]
    shared_text: bytes
    own: dict[str, Any]
    own_text: bytes


class Reader:
    """Reads sessions one after the other, each part that several have only once."""

    def __init__(self, documents: Sequence[Any]) -> None:
        self.parts = list(each_placed(_parts, documents))
        distinct = {parts.shared_text: parts.shared for parts in self.parts}
        self.known = wire.known_to(distinct.values())
        self.apis = dict(self.known.apis.values())
        self.policies = named.policies_named([*{*self.known.policies.values()}])
        self.shapes: dict[bytes, Shape] = {}
        self.owns: dict[bytes, Own] = {}

    def sessions(self) -> Iterator[tuple[Shape, Own, str]]:
        """Yield the parts of each, and its alias, which is empty where it has none."""
        return each_placed(self._read, self.parts)

    def _read(self, parts: Parts) -> tuple[Shape, Own, str]:
        shape, own = self.shapes.get(parts.shared_text), self.owns.get(parts.own_text)
        if shape is None:
            shape = self.shapes[parts.shared_text] = self._shape(parts.shared)
        if own is None:
            own = self.owns[parts.own_text] = self._own(parts.own)
        return shape, own, parts.alias

    def _shape(self, document: Mapping[str, Any]) -> Shape:
        sent = wire.settings_of_session(document, self.known)
        password, hmac, jwt = sent.pop("password"), sent.pop("hmac_string"), sent.pop("jwt_secret")
        chosen = valid({**DEFAULTS, **sent, "alias": "key"})  # type: ignore[typeddict-unknown-key]
        if password or chosen["extra"].get("certificate"):
            raise BadSetting("A key that goes by a username or certificate is made by itself.")
        if chosen["extra"].get("hmac_enabled") and not hmac:
            raise BadSetting("hmac_string: give it here, or make the key by itself to get one.")
        named.refuse_foreign(chosen["extra"])
        for access in chosen["accesses"]:
            if unknown := self.apis[access.api_id].lacks(access.versions):
                raise NoSuchApi(f"APIs: one of them has no version {min(unknown)!r}.")
        ends = named.first_expiry((self.policies[id] for id in chosen["policies"]), now=timezone.now())
        return Shape(len(self.shapes), chosen, hmac, jwt, ends)

    def _own(self, document: Mapping[str, Any]) -> Own:
        sent = wire.settings_of_session(document, self.known)
        said = KeySettings(tags=sent["tags"], metadata=sent["metadata"], expires_at=sent["expires_at"])
        chosen = valid({**DEFAULTS, **said, "alias": "key", "has_all_apis": True})
        refuse_past(chosen["expires_at"])
        named.refuse_foreign_tags(chosen["tags"])
        tags = chosen["tags"]
        return Own(tags, rows.array(tags), jsontext.dumps(chosen["metadata"]), chosen["expires_at"])


def each_placed(read: Callable[[T], R], documents: Iterable[T]) -> Iterator[R]:
    """Yield what is read of each; of a refusal say where in the list it is."""
    for at, document in enumerate(documents):
        try:
            yield read(document)
        except BadSession as error:
            problems = [Problem(f"[{at}].{problem.message}", (at, *problem.path)) for problem in error.problems]
            raise BadSession(problems) from None
        except (KeyRefused, SessionError, BadAllowedUrl) as error:
            raise type(error)(f"[{at}]: {error}") from None


def _parts(document: Any) -> Parts:
    if not isinstance(document, dict):
        raise BadSession([wrong_type((), "an object", document)])
    shared = document.copy()
    own = {name: shared.pop(name) for name in OWN if name in shared}
    alias = _alias(shared.pop("alias", None))
    return Parts(alias, shared, msgspec.json.encode(shared), own, msgspec.json.encode(own))


def _alias(sent: Any) -> str:
    if not isinstance(sent, str | None):
        raise BadSession([wrong_type(("alias",), "a text", sent)])
    alias = (sent or "").strip()
    if sent and not is_text(alias, ALIAS_LENGTH):
        raise BadSetting(f"Alias: give 1 to {ALIAS_LENGTH} printable characters.")
    return alias


def _sealed(shape: Shape) -> str:
    if not (shape.hmac_string or shape.jwt_secret):
        return ""
    secrets_ = {"hmac_string": shape.hmac_string, "jwt_secret": shape.jwt_secret}
    return credentials.resealed("", password="", needs_hmac=False, **secrets_)[0]

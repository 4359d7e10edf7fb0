"""The kinds of objects that are listed, shown and deleted: where they are, and what a row of a list has."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast
from urllib.parse import quote

from dashboard.cli.client import Client
from dashboard.cli.failures import Failure

Item = Any
Row = tuple[object, ...]


@dataclass(frozen=True)
class Listed:
    """`path` is that of one object, but for its id; `pages` the list's; `items` names the array in its answer.

    `query` is asked with for one object. A key goes by its hash: the key itself has no place in arguments.
    """

    word: str
    path: str
    pages: str
    items: str
    headers: tuple[str, ...]
    row: Callable[[Item], Row]
    query: Mapping[str, str] = field(default_factory=dict)

    def address(self, id: str) -> str:
        return f"{self.path}/{quote(id, safe='')}"


def api_row(item: Item) -> Row:
    definition = item["api_definition"]
    proxy = definition.get("proxy") or {}
    listen_path, target = proxy.get("listen_path"), proxy.get("target_url")
    return definition["api_id"], definition.get("name"), listen_path, target, state(definition.get("active"))


def policy_row(item: Item) -> Row:
    return item["_id"], item.get("name"), len(item.get("access_rights") or {}), state(not item.get("is_inactive"))


def key_row(item: Item) -> Row:
    session = item.get("data") or {}
    opens = [*(session.get("access_rights") or {}), *(session.get("apply_policies") or [])]
    id = item.get("key_hash") or item.get("key_id")
    expires = moment(session.get("expires") or 0)
    return id, session.get("alias"), len(opens), expires, state(not session.get("is_inactive"))


def user_row(item: Item) -> Row:
    name = f"{item.get('first_name') or ''} {item.get('last_name') or ''}".strip()
    return item["id"], item.get("email_address"), name, state(item.get("active"))


def group_row(item: Item) -> Row:
    return item["id"], item.get("name"), item.get("description"), state(item.get("active"))


def hook_row(item: Item) -> Row:
    return item["id"], item.get("name"), item.get("method"), item.get("target_path")


def certificate_row(item: Item) -> Row:
    subject = (item.get("subject") or {}).get("CommonName") or ", ".join(item.get("dns_names") or [])
    return item["id"], subject, item.get("not_after")


def moment(seconds: float) -> str:
    """Sessions count from 1970; nothing and less than nothing is never."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}" if seconds > 0 else "never"


def state(is_active: object) -> str:
    return "active" if is_active else "inactive"


NAMED = ("id", "name")
NAMES = ("name", "email_address", "alias")
KINDS = {
    "apis": Listed(
        "API", "/api/apis", "/api/apis", "apis", (*NAMED, "listen path", "target", "state"), api_row,
    ),
    "policies": Listed(
        "policy", "/api/portal/policies", "/api/portal/policies", "Data", (*NAMED, "APIs", "state"), policy_row,
    ),
    "keys": Listed(
        "key", "/api/keys", "/api/keys/detailed", "keys", ("hash", "alias", "opens", "expires", "state"), key_row,
        {"hashed": "true"},
    ),
    "users": Listed("user", "/api/users", "/api/users", "users", ("id", "e-mail", "name", "state"), user_row),
    "groups": Listed(
        "user group", "/api/usergroups", "/api/usergroups", "groups", (*NAMED, "description", "state"), group_row,
    ),
    "hooks": Listed("webhook", "/api/hooks", "/api/hooks", "hooks", (*NAMED, "method", "address"), hook_row),
    "certs": Listed(
        "certificate", "/api/certs", "/api/certs/details", "certificates", ("id", "subject", "expires"),
        certificate_row,
    ),
}  # fmt: skip


def everything(client: Client, kind: str, **query: str) -> list[Item]:
    """Return all objects of the kind that the access key's user may see."""
    listed = KINDS[kind]
    document = client.get(listed.pages, p="-1", **query).document
    try:
        return cast(list[Item], document[listed.items] or [])
    except (KeyError, TypeError):
        raise Failure(f"The list of {kind} is not as it was expected: is the address right?") from None


def matching(words: str, kind: str, items: list[Item]) -> Iterator[tuple[Item, Row]]:
    """Yield each item, with its row, in whose row all of the words stand."""
    wanted = words.casefold().split()
    for item in items:
        try:
            row = KINDS[kind].row(item)
        except (KeyError, TypeError, AttributeError):
            raise Failure(f"The list of {kind} is not as it was expected: is the address right?") from None
        shown = " ".join(str(value) for value in row if value is not None).casefold()
        if all(word in shown for word in wanted):
            yield item, row


def name_of(found: Item) -> str:
    """Return what people call the object, as far as it says."""
    places = [found, *(found.get(part) for part in ("api_definition", "data"))] if isinstance(found, dict) else []
    names = (place.get(field) for place in places if isinstance(place, dict) for field in NAMES)
    return next((f"“{name}”" for name in names if name and isinstance(name, str)), "")

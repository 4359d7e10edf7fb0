"""The numbers that stand for names in records and roll-ups, and which paths count as the same one."""

import re
from functools import lru_cache
from hashlib import blake2b

# Parts of a path that stand for one object among many: numbers, UUIDs, and words that hold both letters and digits
# and are long. Otherwise each object would be a path of its own, and none would be counted twice.
OBJECT = re.compile(
    r"/(?:\d+|[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}|(?=[^/]*\d)(?=[^/]*[A-Za-z])[A-Za-z0-9_~=-]{16,}|[^/]{65,}|[^/]*@[^/]*)(?=/|$)"
)
PLACEHOLDER = "/{id}"
MOST_PARTS = 12
LONGEST = 200


@lru_cache(maxsize=200_000)
def number(kind: int, text: str) -> int:
    """Return the number of a name: never 0, which stands for none, and the same in every process."""
    found = int.from_bytes(blake2b(text.encode(), digest_size=8, person=b"%d" % kind).digest(), signed=True)
    return found or 1


@lru_cache(maxsize=100_000)
def endpoint(method: str, path: str) -> str:
    """Return the method and the path as they are counted: `GET /orders/{id}`. In its name the API's id comes first."""
    parts = path.split("/", MOST_PARTS + 1)
    if len(parts) > MOST_PARTS:
        path = "/".join(parts[:MOST_PARTS]) + "/…"
    plain = OBJECT.sub(PLACEHOLDER, path)
    return f"{method} {plain[:LONGEST]}"

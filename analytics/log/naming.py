"""What the numbers in records stand for."""

from collections.abc import Sequence
from typing import Any

from analytics import queries
from analytics.pages.subjects import SHORT_HASH, Names, keys_by_hash


def names_of_rows(rows: Sequence[dict[str, Any]]) -> Names:
    numbers = {row[name] for row in rows for name in ("api", "key", "version", "client") if row[name]}
    texts = queries.named(sorted(numbers))
    return Names(texts, keys_by_hash(sorted({texts[row["key"]][0] for row in rows if row["key"] in texts})))


def key_name(names: Names, number: int) -> str:
    hash = names.text(number)
    key = names.keys.get(hash)
    label = key.alias if key else names.label(number)
    return f"{hash[:SHORT_HASH]}…" if label == hash and len(hash) > SHORT_HASH else label

"""Takes records out of a group's Redis, so that each is written once, whatever stops in between.

A list is renamed in one step, which takes all that is in it and leaves the name to the gateways; its parts are then
rows of `Batch`. What writes a part deletes its row in the same transaction, and the list goes when it has no more rows.
"""

from collections.abc import Iterator
from typing import cast

import redis
from django.db import connection

from orgs import scope
from orgs.ids import new_id

LISTS = ("analytics-tyk-system-analytics", *(f"analytics-tyk-system-analytics_{number}" for number in range(10)))
# Of gateways that are told to write protobuf: taken too, so that somebody is told of it.
PROTOBUF_LISTS = tuple(f"{name}_protobuf" for name in LISTS)
TAKEN = "commonhold-analytics-"
BATCH_SIZE = 100_000
PIECE = 2_000


def take(client: "redis.Redis", group_id: str) -> int:
    """Take every list that has something; return how many records that is."""
    names = [*LISTS, *PROTOBUF_LISTS]
    with client.pipeline(transaction=False) as pipeline:
        for name in names:
            pipeline.llen(name)
        lengths = pipeline.execute()
    return sum(take_list(client, group_id, name) for name, length in zip(names, lengths, strict=True) if length)


def take_list(client: "redis.Redis", group_id: str, name: str) -> int:
    """The row is committed before the list is renamed: one without a row is nobody's, and is thrown away."""
    taken = f"{TAKEN}{new_id()}"
    with scope.opened(scope.INTAKE), connection.cursor() as cursor:
        cursor.execute("INSERT INTO analytics_batch (group_id, list, first) VALUES (%s, %s, 0)", [group_id, taken])
    try:
        with client.pipeline(transaction=True) as pipeline:
            pipeline.rename(name, taken)
            pipeline.persist(taken)  # the gateway lets its list expire
            pipeline.execute()
    except redis.ResponseError as error:
        if "no such key" not in str(error):  # which another pump has taken
            raise
    return divide(client, taken)


def divide(client: "redis.Redis", taken: str) -> int:
    """Make parts out of a list that has been taken; return its length."""
    length = int(client.llen(taken))
    with scope.opened(scope.INTAKE), connection.cursor() as cursor:
        cursor.execute("DELETE FROM analytics_batch WHERE list = %s AND last IS NULL RETURNING group_id", [taken])
        for (group_id,) in cursor.fetchall():
            cursor.execute(
                """
                INSERT INTO analytics_batch (group_id, list, first, last)
                SELECT %s, %s, start, least(start + %s, %s) - 1 FROM generate_series(0, %s - 1, %s) AS start
                """,
                [group_id, taken, BATCH_SIZE, length, length, BATCH_SIZE],
            )
    return length


def resume(client: "redis.Redis", group_id: str) -> None:
    """Go on with what a pump that has died had taken: lists not yet divided, and lists that are all written.

    Of the former another pump may be about to make parts; both find the same length, and one finds the row. A list
    may be of a group that is gone, of several that share this Redis: it becomes `group_id`'s.
    """
    lists = [name.decode() for name in client.scan_iter(match=f"{TAKEN}*", count=1_000)]
    with scope.opened(scope.INTAKE), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE analytics_batch SET group_id = %s WHERE list = ANY (%s) RETURNING list, last IS NULL",
            [group_id, lists],
        )
        rows = cursor.fetchall()
        cursor.execute("SELECT list FROM analytics_batch WHERE group_id = %s AND last IS NULL", [group_id])
        undivided = {name for (name,) in cursor.fetchall()}
    for taken in undivided:
        divide(client, taken)
    for taken in set(lists) - {name for name, _ in rows}:
        forget_if_written(client, taken)


def next_batch(group_id: str) -> tuple[int, str, int, int] | None:
    """Return (number, list, first, last) of a part that nobody else has; its row goes with the open transaction."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            DELETE FROM analytics_batch WHERE id = (
                SELECT id FROM analytics_batch WHERE group_id = %s AND last IS NOT NULL
                ORDER BY id FOR UPDATE SKIP LOCKED LIMIT 1
            ) RETURNING id, list, first, last
            """,
            [group_id],
        )
        found: tuple[int, str, int, int] | None = cursor.fetchone()
    return found


def take_apart(number: int, taken: str, first: int, last: int) -> bool:
    """Make two parts out of one; of a single record none is left, and the answer is no."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM analytics_batch WHERE id = %s RETURNING group_id", [number])
        for (group_id,) in cursor.fetchall():
            middle = (first + last) // 2
            halves = [(first, middle), (middle + 1, last)] if first < last else []
            for half in halves:
                cursor.execute(
                    "INSERT INTO analytics_batch (group_id, list, first, last) VALUES (%s, %s, %s, %s)",
                    [group_id, taken, *half],
                )
    return first < last


def records(client: "redis.Redis", taken: str, first: int, last: int) -> Iterator[bytes]:
    """Yield the records of a part, a few thousand in memory at a time."""
    for start in range(first, last + 1, PIECE):
        yield from cast(list[bytes], client.lrange(taken, start, min(start + PIECE - 1, last)))


def forget_if_written(client: "redis.Redis", taken: str) -> None:
    """Throw the list away once all of its parts are written."""
    with scope.opened(scope.INTAKE), connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM analytics_batch WHERE list = %s LIMIT 1", [taken])
        is_written = cursor.fetchone() is None
    if is_written:
        client.unlink(taken)

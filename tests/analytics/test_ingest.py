"""Records on their way from a gateway's list to rows: whose they are, and what becomes of those that are nobody's."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import StringIO

import msgspec
import pytest
import redis
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import Sum

from analytics import closing
from analytics.ingest import taking
from analytics.ingest.writing import NOT_SERVED
from analytics.models import Batch, Closed, Day, DeadLetter, Facet, Hour, Leaders, Name, Record
from gateways import serving
from gateways.models import GatewayGroup
from gateways.services import create_group, update_group
from orgs import definers, scope
from orgs.ids import new_id
from orgs.services import update_organisation
from tests.analytics.conftest import Pour
from tests.analytics.traffic import LIST, fields, record
from tests.conftest import World


def dead_letters() -> list[tuple[str, str, int]]:
    with scope.opened(scope.INSTALLATION):
        return list(DeadLetter.objects.order_by("id").values_list("reason", "claimed", "count"))


def count(organisation_id: str) -> int:
    with scope.opened(scope.of(organisation_id)):
        assert (
            Hour.objects.filter(facet=Facet.TOTAL).values_list("hits", flat=True).first() or 0
        ) == Record.objects.count()
        return Record.objects.count()


def test_records_come_to_the_organisation_that_they_name(world: World, pour: Pour) -> None:
    now = datetime.now(UTC)
    assert pour([record(at=now, OrgID=id) for id in (world.acme.id, world.globex.id, world.globex.id)]) == 3
    assert (count(world.acme.id), count(world.globex.id)) == (1, 2)
    assert dead_letters() == []


def test_record_of_no_organisation_or_of_one_that_is_not_served_is_nobodys(
    world: World, pour: Pour, group: GatewayGroup
) -> None:
    update_group(group=group, organisation_ids=[world.acme.id])
    serving.write_out()
    stranger, now = new_id(), datetime.now(UTC)
    claims = (world.globex.id, stranger, "", "everything", "' OR true --")
    pour([record(at=now, OrgID=claim) for claim in (world.acme.id, world.globex.id, *claims)])
    assert (count(world.acme.id), count(world.globex.id)) == (1, 0)
    assert sorted(dead_letters()) == sorted(
        (NOT_SERVED, claim, 2 if claim == world.globex.id else 1) for claim in claims
    )


def test_tags_keys_and_apis_of_a_record_never_make_it_anothers(world: World, pour: Pour) -> None:
    """A session's tags may say anything, and a gateway does not keep organisations apart."""
    forged = [f"org-{world.globex.id}", f"key-{'c' * 64}", f"api-{'b' * 32}"]
    pour([record(OrgID=world.globex.id, APIID="b" * 32, APIKey="c" * 64)])
    pour([record(OrgID=world.acme.id, APIID="b" * 32, APIKey="c" * 64, Tags=forged)])
    for organisation in (world.acme, world.globex):
        with scope.opened(scope.of(organisation.id)):
            assert list(Hour.objects.filter(facet=Facet.KEY).values_list("hits", flat=True)) == [1]
            assert Record.objects.get().tags == []
            assert Name.objects.filter(kind=Facet.TAG).count() == 0


def test_groups_that_share_a_redis_are_served_together(world: World, valkey: redis.Redis, pour: Pour) -> None:
    """Which of their gateways wrote a record, nobody knows; an organisation of neither is still refused."""
    with scope.opened(scope.INSTALLATION):
        first = GatewayGroup.objects.get()
    update_group(group=first, organisation_ids=[world.acme.id])
    create_group(name="Others", organisation_ids=[world.globex.id])
    serving.write_out()
    now = datetime.now(UTC)
    pour([record(at=now, OrgID=id) for id in (world.acme.id, world.globex.id, new_id())])
    assert (count(world.acme.id), count(world.globex.id)) == (1, 1)
    assert [letter[2] for letter in dead_letters()] == [1]


def test_broken_records_stop_no_others_and_are_kept_with_the_reason(world: World, pour: Pour) -> None:
    now = datetime.now(UTC)
    secret = fields(at=now, OrgID=world.acme.id, ResponseCode=0, APIKey="d" * 64, RawRequest="c2VjcmV0")
    good = record(at=now, OrgID=world.acme.id)
    old = record(at=now - timedelta(days=400), OrgID=world.acme.id)
    assert pour([good, b"rubbish", msgspec.msgpack.encode(secret), old, good]) == 5
    assert count(world.acme.id) == 2
    assert sorted(letter[1:] for letter in dead_letters()) == [("", 1), (world.acme.id, 1), (world.acme.id, 1)]
    with scope.opened(scope.INSTALLATION):
        kept = "".join(DeadLetter.objects.values_list("example", flat=True))
    assert "Shop" in kept
    assert "c2VjcmV0" not in kept
    assert "d" * 64 not in kept


def test_flood_of_forged_names_is_a_few_rows(world: World, pour: Pour) -> None:
    pour([record(OrgID=new_id()) for _ in range(200)])
    found = dead_letters()
    assert (len(found), sum(letter[2] for letter in found)) == (51, 200)


@pytest.mark.parametrize("name", [LIST, f"{LIST}_0", f"{LIST}_9"])
def test_numbered_lists_are_read_too(world: World, pour: Pour, name: str, valkey: redis.Redis) -> None:
    assert pour([record(OrgID=world.acme.id)], name=name) == 1
    assert (count(world.acme.id), valkey.keys("*analytics*")) == (1, [])


def test_protobuf_is_refused_with_what_to_do(world: World, pour: Pour) -> None:
    assert pour([b"\n\x0bexample.com\x12\x03GET"], name=f"{LIST}_protobuf") == 1
    [(reason, _, number)] = dead_letters()
    assert ("serializer_type" in reason, number) == (True, 1)


def test_what_redis_has_lost_is_no_reason_to_stop(
    world: World, pour: Pour, valkey: redis.Redis, group: GatewayGroup
) -> None:
    with scope.opened(scope.INTAKE), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO analytics_batch (group_id, list, first, last) VALUES (%s, %s, 0, 9)",
            [group.pk, f"{taking.TAKEN}lost"],
        )
    pour([record(OrgID=world.acme.id)])
    pour([])
    assert count(world.acme.id) == 1
    with scope.opened(scope.INSTALLATION):
        assert Batch.objects.count() == 0


def test_huge_values_add_up(world: World, pour: Pour) -> None:
    pour([record(OrgID=world.acme.id, ContentLength=2**62, latency=2**62) for _ in range(3)])
    with scope.opened(scope.of(world.acme.id)):
        assert Hour.objects.get(facet=Facet.TOTAL).size == 3 * (2**31 - 1)


def test_days_and_months_are_summed_once_they_have_ended_and_corrected_by_what_comes_late(
    world: World, pour: Pour, close: Callable[[], None]
) -> None:
    at = datetime.now(UTC).replace(hour=12) - timedelta(days=3)
    pour([record(OrgID=world.acme.id, at=at), record(OrgID=world.acme.id)])
    close()
    with scope.opened(scope.of(world.acme.id)):
        assert list(Day.objects.filter(facet=Facet.TOTAL).values_list("at__date", "hits")) == [(at.date(), 1)]
    pour([record(OrgID=world.acme.id, at=at)])
    with scope.opened(scope.of(world.acme.id)):
        assert list(Day.objects.filter(facet=Facet.TOTAL).values_list("hits", flat=True)) == [2]
        assert list(Hour.objects.filter(facet=Facet.TOTAL, at__lte=at).values_list("hits", flat=True)) == [2]
    with scope.opened(scope.INSTALLATION):
        late = dict(Closed.objects.values_list("level", "late"))
    assert [len(late["hour"]), len(late["day"])] == [1, 1]
    close()
    with scope.opened(scope.INSTALLATION):
        assert [found for found in Closed.objects.values_list("late", flat=True) if found] == []


def test_leaders_that_a_late_record_may_have_changed_are_forgotten(
    world: World, pour: Pour, close: Callable[[], None]
) -> None:
    at = datetime.now(UTC).replace(hour=12) - timedelta(days=3)
    keys = [record(OrgID=world.acme.id, at=at, APIKey=f"{key:064}") for key in range(120)]
    for organisation in (world.acme, world.globex):
        pour([msgspec.msgpack.encode(msgspec.msgpack.decode(key) | {"OrgID": organisation.id}) for key in keys])
    close()
    before = leaders_of(world.acme.id), leaders_of(world.globex.id)
    assert before[0] == before[1] > 0
    pour([record(OrgID=world.acme.id, at=at, APIKey="e" * 64)])
    assert (leaders_of(world.acme.id), leaders_of(world.globex.id)) == (0, before[1])
    close()
    assert (leaders_of(world.acme.id), leaders_of(world.globex.id)) == before


def leaders_of(organisation_id: str) -> int:
    with scope.opened(scope.of(organisation_id)):
        return Leaders.objects.count()


def test_the_command_says_how_many_it_took(world: World, valkey: redis.Redis, group: GatewayGroup) -> None:
    valkey.rpush(LIST, record(OrgID=world.acme.id), record(OrgID=world.acme.id))
    out = StringIO()
    call_command("pump", once=True, group=group.name, stdout=out)
    assert out.getvalue() == "2 records.\n"
    with pytest.raises(CommandError, match="no gateway group with the name Nobody's"):
        call_command("pump", once=True, group="Nobody's")


def test_partitions_are_there_for_the_days_ahead_and_gone_after_their_time(db: None) -> None:
    with scope.opened(scope.INTAKE), connection.cursor() as cursor:
        cursor.execute(f"SELECT {definers.KEEPING}('analytics_minute', 2)")
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relname ^@ 'analytics_minute_' AND relispartition AND relkind = 'r'"
            " ORDER BY 1"
        )
        found = [name for (name,) in cursor.fetchall()]
    today = datetime.now(UTC).date()
    assert found == [f"analytics_minute_{today + timedelta(days=days):%Y%m%d}" for days in range(-2, 4)]


@pytest.mark.parametrize(
    "arguments", [("orgs_organisation", 30), ("analytics_record", 1), ("analytics_record", None), (None, 30)]
)
def test_nobody_may_drop_another_table_or_all_days(db: None, arguments: tuple[str | None, int | None]) -> None:
    with scope.opened(scope.INTAKE), connection.cursor() as cursor, pytest.raises(Exception, match="too few days"):
        cursor.execute(f"SELECT {definers.KEEPING}(%s::text, %s::integer)", arguments)


def test_an_organisation_may_not_make_or_drop_partitions(world: World) -> None:
    refused = pytest.raises(Exception, match="permission denied")
    with scope.opened(scope.of(world.acme.id)), connection.cursor() as cursor, refused:
        cursor.execute(f"SELECT {definers.KEEPING}('analytics_record', 30)")


def test_an_organisation_may_keep_its_records_for_fewer_days(world: World, pour: Pour) -> None:
    old = datetime.now(UTC) - timedelta(days=8)
    pour([record(OrgID=id, at=at) for id in (world.acme.id, world.globex.id) for at in (old, datetime.now(UTC))])
    with scope.opened(scope.of(world.acme.id)):
        update_organisation(organisation=world.acme, name="Acme", colour="blue", contact="", record_days=7)
    closing.forget_records()
    kept = {}
    for organisation in (world.acme, world.globex):
        with scope.opened(scope.of(organisation.id)):
            kept[organisation.slug] = Record.objects.count()
            assert Hour.objects.filter(facet=Facet.TOTAL).aggregate(n=Sum("hits"))["n"] == 2
    assert kept == {"acme": 1, "globex": 2}


def test_record_that_cannot_be_stored_is_found_among_the_others(world: World, pour: Pour) -> None:
    """Here because a sum would become too large for its column."""
    full, now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=2), datetime.now(UTC)
    pour([record(OrgID=world.acme.id, at=full)])
    with scope.opened(scope.INTAKE), connection.cursor() as cursor:
        cursor.execute("UPDATE analytics_hour SET size = 9223372036854775807 WHERE facet = 0")
    pour([record(OrgID=world.acme.id, at=full if place == 5 else now, ContentLength=9) for place in range(12)])
    with scope.opened(scope.of(world.acme.id)):
        assert Record.objects.count() == 12
    [(reason, claimed, number)] = dead_letters()
    assert (reason, claimed, number) == ("PostgreSQL cannot store it: bigint out of range", world.acme.id, 1)
    with scope.opened(scope.INSTALLATION):
        assert Batch.objects.count() == 0


def test_ids_of_records_do_not_tell_how_many_others_had_between(world: World, pour: Pour) -> None:
    now = datetime.now(UTC)
    pour([record(OrgID=id, at=now) for id in (world.acme.id, *[world.globex.id] * 5, world.acme.id)])
    with scope.opened(scope.of(world.acme.id)):
        one, other = Record.objects.values_list("id", flat=True)
    assert abs(one - other) > 1_000_000

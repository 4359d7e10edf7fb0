"""The registry of segment tags: what changes it, whom that concerns, and what becomes of the feed."""

import json
from typing import Any

import pytest
from django.db import connection

from apis import services as apis
from apis.models import Api, SegmentTag
from apis.tags import LOCK, problems_of, standard_in_words
from gateways import serving
from gateways.feed import building
from gateways.feed.sending import feed_of
from gateways.models import FeedItem, Outbox
from gateways.services import create_group
from gateways.tags.consequences import effects
from gateways.tags.services import TagRefused, create_tag, delete_tag, update_tag
from gateways.tags.telling import Entry
from orgs import scope
from orgs.models import AuditEntry, Organisation
from orgs.proof.world import undone
from orgs.services import delete_organisation
from tests.apis.test_services import definition
from tests.conftest import World

NOBODY: list[Any] = []
YES_NO, NO_YES = [True, False], [False, True]


def api(of: Organisation, *tags: str, **changes: Any) -> Api:
    name = changes.setdefault("name", "Orders")
    with scope.opened(scope.of(of.id)):
        listen_path = f"/{of.slug}/{name.lower()}/"
        return apis.create_api(definition=definition(tags=list(tags), listen_path=listen_path, **changes))


def trail(of: Organisation | None) -> list[tuple[str, str, Any]]:
    with scope.opened(scope.of_owner(of.id if of else None)):
        lines = AuditEntry.objects.filter(kind="segment_tag").order_by("at", "id")
        return [(line.action, line.object_name, line.changes) for line in lines]


def feed(of: Organisation) -> dict[str, tuple[bool, str, list[str]]]:
    """Build what waits; return {name: (whether it is served, the fault, the tags)}."""
    while building.build_waiting():
        pass
    with scope.opened(scope.of(of.id)):
        return {item.name: (item.is_served, item.fault, item.tags) for item in FeedItem.objects.filter(kind="apis")}


def waiting(of: Organisation) -> set[str]:
    with scope.opened(scope.of(of.id)):
        return {name.partition(":")[0] for name in Outbox.objects.values_list("name", flat=True)}


def test_a_tag_is_registered_changed_and_deleted_each_with_its_line(world: World) -> None:
    tag = create_tag(name="  eu ", owner_id=world.acme.id)
    tag = update_tag(tag=tag, name="eu", owner_id=world.acme.id, is_automatic=True)
    update_tag(tag=tag, name="eu", owner_id=world.acme.id, is_automatic=True)
    delete_tag(tag=tag)
    assert trail(None) == [
        ("created", "eu", {"belongs to": [None, "acme"]}),
        ("changed", "eu", {"is_automatic": NO_YES}),
        ("deleted", "eu", {"belongs to": ["acme", None], "is_automatic": [True, None]}),
    ]
    assert trail(world.acme) == [
        ("changed", "eu", {"the organisation's own": NO_YES}),
        ("changed", "eu", {"automatic": NO_YES}),
        ("changed", "eu", {"the organisation's own": YES_NO, "automatic": YES_NO}),
    ]
    assert trail(world.globex) == NOBODY


def test_who_loses_a_tag_is_told_that_it_is_gone_and_not_to_whom(world: World) -> None:
    api(world.globex, "eu")
    tag = create_tag(name="eu", owner_id=world.globex.id)
    update_tag(tag=tag, name="eu", owner_id=world.acme.id, is_automatic=False)
    assert trail(world.globex) == [
        ("changed", "eu", {"the organisation's own": NO_YES}),
        ("changed", "eu", {"available": YES_NO, "the organisation's own": YES_NO}),
    ]
    assert trail(world.acme) == [("changed", "eu", {"available": NO_YES, "the organisation's own": NO_YES})]
    with scope.opened(scope.of(world.globex.id)):
        assert "acme" not in json.dumps(list(AuditEntry.objects.values("object_name", "changes"))).lower()


def test_a_tag_is_invisible_in_an_organisation(world: World) -> None:
    create_tag(name="globex-eu", owner_id=world.globex.id)
    with scope.opened(scope.of(world.acme.id)):
        assert SegmentTag.objects.count() == 0
        assert trail(world.acme) == NOBODY


@pytest.mark.parametrize(
    ("values", "refusal"),
    [
        ({"name": " "}, "Name: a tag has 1 to 60 printable characters, and no comma."),
        ({"name": "a,b"}, "Name: a tag has 1 to 60 printable characters, and no comma."),
        ({"name": "x" * 61}, "Name: a tag has 1 to 60 printable characters, and no comma."),
        ({"name": "a\0"}, "Name: a tag has 1 to 60 printable characters, and no comma."),
        ({"name": "taken"}, "Name: there is already a tag with this name."),
        ({"name": "a", "is_automatic": True}, "Automatic: give the tag to an organisation, on whose APIs it shall be."),
        ({"name": "a", "owner_id": "0" * 24}, "Organisation: there is none with this id."),
        ({"name": "a", "owner_id": "acme"}, "Organisation: there is none with this id."),
    ],
)
def test_a_wrong_tag_is_refused(world: World, values: dict[str, Any], refusal: str) -> None:
    create_tag(name="taken")
    with pytest.raises(TagRefused) as refused:
        create_tag(**values)
    assert str(refused.value) == refusal
    assert len(trail(None)) == 1


def test_a_tag_that_is_deleted_meanwhile_is_refused(world: World) -> None:
    tag = create_tag(name="eu")
    stale = SegmentTag(pk=tag.pk, name="eu")
    delete_tag(tag=tag)
    with pytest.raises(TagRefused, match="deleted meanwhile"):
        delete_tag(tag=stale)
    with pytest.raises(TagRefused, match="deleted meanwhile"):
        update_tag(tag=stale, name="eu", owner_id="", is_automatic=False)


def test_a_tag_given_away_takes_what_carries_it_out_of_the_feed_and_brings_it_back(world: World) -> None:
    api(world.globex, "free", "eu")
    api(world.globex, "free", name="Other")
    served = {"Orders": (True, "", ["free", "eu"]), "Other": (True, "", ["free"])}
    assert feed(world.globex) == served
    tag = create_tag(name="eu", owner_id=world.acme.id)
    assert waiting(world.globex) == {"apis"}
    assert feed(world.globex) == served | {"Orders": (False, "tags.1 is not available.", ["free", "eu"])}
    delete_tag(tag=tag)
    assert feed(world.globex) == served


def test_a_renamed_tag_is_one_that_goes_and_one_that_comes(world: World) -> None:
    api(world.globex, "old")
    api(world.globex, "new", name="Other")
    tag = create_tag(name="old", owner_id=world.acme.id)
    assert {name: row[0] for name, row in feed(world.globex).items()} == {"Orders": False, "Other": True}
    update_tag(tag=tag, name="new", owner_id=world.acme.id, is_automatic=False)
    assert {name: row[0] for name, row in feed(world.globex).items()} == {"Orders": True, "Other": False}


def test_an_automatic_tag_is_in_the_feed_and_not_in_the_definition(world: World) -> None:
    saved = api(world.acme, "shop")
    assert feed(world.acme) == {"Orders": (True, "", ["shop"])}
    tag = create_tag(name="acme", owner_id=world.acme.id, is_automatic=True)
    assert feed(world.acme) == {"Orders": (True, "", ["shop", "acme"])}
    with scope.opened(scope.of(world.acme.id)):
        sent = json.loads(FeedItem.objects.get().text)["api_definition"]["tags"]
        kept = json.loads(Api.objects.get(pk=saved.pk).definition)["tags"]
    assert (sent, kept) == (["shop", "acme"], ["shop"])
    update_tag(tag=tag, name="acme", owner_id=world.globex.id, is_automatic=True)
    assert feed(world.acme) == {"Orders": (True, "", ["shop"])}


def test_what_lies_in_the_row_counts_and_not_its_list_of_tags(world: World) -> None:
    create_tag(name="globex-eu", owner_id=world.globex.id)
    saved = api(world.acme, "shop")
    with scope.opened(scope.of(world.acme.id)):
        Api.objects.filter(pk=saved.pk).update(definition=saved.definition.replace('"shop"', '"globex-eu"'))
    assert feed(world.acme) == {"Orders": (False, "tags.0 is not available.", ["shop"])}


def test_who_has_nothing_to_do_with_a_tag_has_nothing_built_anew(world: World) -> None:
    api(world.globex, "other")
    feed(world.globex)
    create_tag(name="eu", owner_id=world.acme.id, is_automatic=True)
    assert waiting(world.globex) == set()
    create_tag(name="shared")
    assert waiting(world.globex) == set()


def test_the_tag_of_an_organisation_that_is_gone_is_still_nobody_elses(world: World) -> None:
    tag = create_tag(name="globex-eu", owner_id=world.globex.id)
    with scope.opened(scope.EVERYTHING):
        delete_organisation(organisation=world.globex, cascade=True)
    with scope.opened(scope.EVERYTHING), pytest.raises(apis.REFUSALS, match="is not available"), undone():
        api(world.acme, "globex-eu")
    delete_tag(tag=tag)
    assert api(world.acme, "globex-eu").tags == ["globex-eu"]


def test_a_shared_group_with_tags_is_given_no_api_by_anothers_tag(world: World) -> None:
    """A tag of globex on a group that serves both: acme's API may have been tagged before it was globex's."""
    group, _ = create_group(name="Shared", serves_all=True, tags=["globex-eu"])
    serving.write_out()
    api(world.acme, "globex-eu")
    api(world.globex, "globex-eu")
    create_tag(name="globex-eu", owner_id=world.globex.id)
    feed(world.acme)
    sent = b"".join(feed_of(group, FeedItem.APIS).chunks).decode()
    assert [row["api_definition"]["org_id"] for row in json.loads(f"[{sent}]")] == [world.globex.id]


def locks() -> list[str]:
    """Return how this transaction holds the lock of the registry."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT mode FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND pid = pg_backend_pid()", [LOCK]
        )
        return sorted(mode for (mode,) in cursor.fetchall())


def test_who_changes_the_registry_waits_for_who_saves_an_api(world: World) -> None:
    """Or an API that is being saved would miss the change, and the change would miss the API."""
    with scope.opened(scope.of(world.acme.id)):
        standard_in_words()
        assert locks() == []
        problems_of(["eu"])
        assert locks() == ["ShareLock"]
    create_tag(name="eu")
    assert locks() == ["ExclusiveLock", "ShareLock"]


def test_effects_are_said_before_they_happen(world: World) -> None:
    api(world.globex, "eu")
    api(world.globex, "eu", name="Pets")
    api(world.globex, "eu", name="Quiet", active=False)
    api(world.acme, "us")
    gives = effects(None, Entry("eu", world.acme.id, is_automatic=True))
    assert gives.stops == ["2 APIs of Globex that carry eu leave every gateway: Orders and another one."]
    assert gives.begins == ["Gateways that load by the tag eu get every active API of Acme."]
    takes = effects(Entry("eu", world.acme.id), None)
    assert takes.begins == ["2 APIs of Globex that carry eu go back to gateways: Orders and another one."]
    alone = effects(None, Entry("us", world.globex.id))
    assert alone.stops == ["An API of Acme that carries us leaves every gateway: Orders."]
    ends = effects(Entry("a", world.acme.id, is_automatic=True), Entry("a", world.acme.id))
    assert ends.stops == ["Gateways that load by the tag a drop the APIs of Acme that do not carry it themselves."]
    assert effects(Entry("a"), Entry("a", world.acme.id)).stops == []

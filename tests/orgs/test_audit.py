import csv
import io
from datetime import UTC, datetime, timedelta

import pytest

from orgs import audit, scope, trail, trail_list
from orgs.models import AuditEntry
from tests.conftest import World, signed_in


def record(world: World, action: str, name: str, *, by: str = "ann@acme.example", kind: str = "keys") -> None:
    with (
        scope.opened(scope.of(world.acme.id)),
        audit.acting(audit.Actor(id="", name=by, address="192.0.2.1")),
    ):
        audit.record(action, kind=kind, name=name, changes={"rate": [10, 20]})


def shown(world: World, query: str = "") -> list[str]:
    return [row[1] for row in signed_in(world.ann).get(f"/audit/?{query}").context["rows"]]


@pytest.fixture
def lines(world: World) -> World:
    record(world, "changed", "Mobile app")
    record(world, "created", "Orders", by="al@acme.example", kind="apis")
    with scope.opened(scope.of(world.globex.id)):
        audit.record("created", kind="keys", name="Globex secret plan")
    return world


def test_lines_are_sentences_newest_first_and_of_this_organisation_alone(lines: World) -> None:
    assert sorted(shown(lines)) == [
        "al@acme.example created API Orders: rate 10 → 20",
        "ann@acme.example changed key Mobile app: rate 10 → 20",
    ]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("actor=AL@acme.example", ["Orders"]),
        ("action=changed", ["Mobile app"]),
        ("kind=apis", ["Orders"]),
        ("kind=keys&action=created", []),
        ("since={today}&until={today}", ["Mobile app", "Orders"]),
        ("until={yesterday}", []),
        ("since={tomorrow}", []),
        ("since=nonsense", []),
        ("kind=nonsense", []),
    ],
)
def test_lines_are_narrowed(lines: World, query: str, names: list[str]) -> None:
    today = datetime.now(UTC).date()
    days = {"today": today, "yesterday": today - timedelta(days=1), "tomorrow": today + timedelta(days=1)}
    found = shown(lines, query.format(**days))
    assert sorted(name for name in ("Mobile app", "Orders", "Globex") for one in found if name in one) == names


def test_pages_lead_on_and_back(world: World) -> None:
    for number in range(60):
        record(world, "changed", f"Key {number}")
    client = signed_in(world.ann)
    first = client.get("/audit/")
    second = client.get(f"/audit/{first.context['pager']['next_url']}")
    assert (len(first.context["rows"]), len(second.context["rows"])) == (50, 10)
    assert set(first.context["rows"]).isdisjoint(second.context["rows"])
    back = client.get(f"/audit/{second.context['pager']['previous_url']}")
    assert back.context["rows"] == first.context["rows"]


def rows(world: World, query: str = "") -> list[list[str]]:
    return list(csv.reader(io.StringIO(signed_in(world.ann).get(f"/audit.csv?{query}").content.decode())))


def test_the_csv_is_the_list_and_no_formula(lines: World) -> None:
    record(lines, "created", "=HYPERLINK(1)", by="@evil")
    header, *found = rows(lines, "kind=keys")
    assert header == ["when (UTC)", "who", "action", "kind", "object", "changes", "address"]
    assert sorted(row[1:] for row in found) == [
        ["'@evil", "created", "keys", "'=HYPERLINK(1)", "rate 10 → 20", "192.0.2.1"],
        ["ann@acme.example", "changed", "keys", "Mobile app", "rate 10 → 20", "192.0.2.1"],
    ]


def test_the_csv_says_where_it_stops(lines: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trail_list, "CSV_MOST", 1)
    found = rows(lines)
    assert (len(found), found[-1]) == (
        3,
        ["Only the newest 1 lines are here: narrow the list by days to get the others."],
    )


@pytest.mark.parametrize("path", ["/audit/", "/audit.csv"])
def test_the_trail_is_for_whom_it_is_for(lines: World, path: str) -> None:
    from tests.conftest import user

    statuses = [
        signed_in(user("no@acme.example", lines.acme)).get(path).status_code,
        signed_in(lines.al).get(path).status_code,
        signed_in(lines.ann).post(path).status_code,
        signed_in(lines.uma, prefix="/all/o/acme").get(path).status_code,
        signed_in(lines.uma).get(path).status_code,
    ]
    assert statuses == [403, 200, 405, 200, 200]


def test_all_shows_what_unbounded_users_did_among_themselves(lines: World) -> None:
    with scope.opened(scope.INSTALLATION):
        audit.record("created", kind="users", name="ulf@hosting.example")
    assert [row[1] for row in signed_in(lines.uma).get("/audit/").context["rows"]] == [
        "commonhold created user ulf@hosting.example"
    ]


def test_a_visit_leaves_a_line(lines: World) -> None:
    signed_in(lines.uma, prefix="/all/o/acme").get("/users/")
    assert "uma@hosting.example visited organisation /users/: —" not in shown(lines)
    assert "uma@hosting.example visited organisation /users/" in shown(lines)


def test_values_are_written_as_people_write_them() -> None:
    values = [None, "", [], {}, True, False, 0, 2.5, ["a", "b"], {"apis": "read", "keys": "write"}, "x" * 90]
    assert [trail.text(value) for value in values] == [
        "—", "—", "—", "—", "yes", "no", "0", "2.5", "a, b", "apis: read, keys: write", "x" * 79 + "…",
    ]  # fmt: skip


def test_the_web_cannot_change_a_line(lines: World) -> None:
    from django.db import ProgrammingError, transaction

    with scope.opened(scope.of(lines.acme.id)):
        for act in (lambda: AuditEntry.objects.update(actor="x"), lambda: AuditEntry.objects.all().delete()):
            with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
                act()

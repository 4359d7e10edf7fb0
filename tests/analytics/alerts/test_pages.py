"""The pages of alerts, and what they change."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import Settings

from analytics.alerts import previewing, services
from analytics.alerts.kinds import Kind, times_fired
from analytics.alerts.models import AlertRule
from analytics.alerts.services import AlertError
from orgs import scope
from orgs.models import AuditEntry, Organisation
from tests.analytics.alerts.conftest import deliveries, firings, requests, rule, told
from tests.analytics.conftest import Pour
from tests.conftest import SiteClient, World, signed_in
from tests.gateways import making

Look = Callable[[float], int]


def form(**changes: str) -> dict[str, str]:
    typed = {"name": "Ours", "threshold": "5", "window_min": "5", "least_requests": "20", "is_enabled": "on"}
    return typed | {"emails": "ops@acme.example"} | changes


def text_of(response: Any) -> str:
    return str(response.content.decode())


def stored(of: Organisation) -> list[AlertRule]:
    with scope.opened(scope.of(of.id)):
        return list(AlertRule.objects.order_by("name"))


def trail(of: Organisation) -> list[str]:
    with scope.opened(scope.of(of.id)):
        entries = AuditEntry.objects.filter(kind="alerts").order_by("at", "id")
        return [entry.action for entry in entries]


def test_an_alert_is_created_edited_and_deleted(world: World) -> None:
    client = signed_in(world.ann)
    assert [kind.label in text_of(client.get("/alerts/create/")) for kind in Kind] == [True] * len(Kind)
    making.api(world.acme, "Orders")
    created = client.post(
        "/alerts/create/?kind=errors", form(api="orders", emails="a@acme.example, b@acme.example\r\na@acme.example")
    )
    [made] = stored(world.acme)
    assert created.headers["Location"] == f"/o/acme/alerts/{made.pk}/"
    assert (made.threshold, made.emails, bool(made.api)) == (5, ["a@acme.example", "b@acme.example"], True)
    assert 'value="Orders"' in text_of(client.get(f"/alerts/{made.pk}/edit/"))
    client.post(f"/alerts/{made.pk}/edit/", form(name="Theirs", threshold="7.5", is_enabled=""))
    [made] = stored(world.acme)
    assert (made.name, made.threshold, made.api, made.is_enabled) == ("Theirs", 7.5, "", False)
    assert "Delete Theirs?" in text_of(client.get(f"/alerts/{made.pk}/delete/"))
    client.post(f"/alerts/{made.pk}/delete/")
    assert stored(world.acme) == []
    assert trail(world.acme) == ["created", "changed", "deleted"]


@pytest.mark.parametrize("kind", Kind)
def test_each_kind_has_a_form_that_saves(world: World, kind: Kind) -> None:
    client = signed_in(world.ann)
    answer = client.post(f"/alerts/create/?kind={kind.value}", form(percentile="99", name=kind.label))
    assert answer.status_code == 302, answer.context["form"].errors
    for path in ("", f"{stored(world.acme)[0].pk}/", f"{stored(world.acme)[0].pk}/edit/"):
        assert kind.label in text_of(client.get(f"/alerts/{path}"))


def test_the_secret_of_a_webhook_is_shown_once(world: World, settings: Settings) -> None:
    settings.PRIVATE_TARGETS = True
    client = signed_in(world.ann)
    answer = client.post("/alerts/create/?kind=errors", form(url="http://127.0.0.1:9/T0K3N"))
    secret = answer.context["secret"]["value"]
    assert secret.startswith("whsec_")
    assert secret in text_of(answer)
    [made] = stored(world.acme)
    pages = [client.get(path) for path in (f"/alerts/{made.pk}/", f"/alerts/{made.pk}/edit/", "/alerts/", "/audit/")]
    assert [secret in text_of(page) for page in pages] == [False] * 4
    assert ["T0K3N" in text_of(page) for page in pages] == [False, True, False, False]
    answer = client.post(f"/alerts/{made.pk}/secret/")
    assert answer.context["secret"]["value"] not in (secret, "")
    assert trail(world.acme) == ["created", "rotated the secret of"]


REFUSED = [
    ({"name": ""}, "name", "required"),
    ({"name": "a\tb"}, "name", "printable"),
    ({"threshold": "-1"}, "threshold", "Write a number from 0 to 99.99."),
    ({"threshold": "nan"}, "threshold", "number"),
    ({"threshold": "1e400"}, "threshold", "number"),
    ({"threshold": "many"}, "threshold", "number"),
    ({"window_min": "7"}, "window_min", "valid choice"),
    ({"least_requests": "0"}, "least_requests", "greater than or equal to 1"),
    ({"emails": "nobody"}, "emails", "“nobody” is no e-mail address."),
    ({"emails": "\n".join(f"{n}@acme.example" for n in range(11))}, "emails", "at most 10"),
    ({"url": "http://169.254.169.254/"}, "url", "169.254.169.254 is a link-local or metadata address"),
    ({"url": "http://2130706433/"}, "url", "is a private address: only public addresses are called."),
    ({"url": "http://ann:pw@hooks.example/"}, "url", "neither a user name"),
    ({"url": "hooks.example"}, "url", "absolute address"),
    ({"api": "nothing"}, "api", "There is no API with this name or ID."),
    ({"key": "a" * 24}, "key", "There is no key with this name or ID."),
]


@pytest.mark.parametrize(("change", "field", "sentence"), REFUSED)
def test_what_is_refused_stands_at_its_field_and_what_was_typed_stays(
    world: World, change: dict[str, str], field: str, sentence: str
) -> None:
    answer = signed_in(world.ann).post("/alerts/create/?kind=errors", form(**{"name": "Mine"} | change))
    assert list(answer.context["form"].errors) == [field]
    assert sentence in str(answer.context["form"].errors[field][0])
    assert "ops@acme.example" in text_of(answer) or "emails" in change
    assert stored(world.acme) == []


def test_a_name_is_of_one_alert_in_each_organisation(world: World) -> None:
    rule(world.globex, name="Errors")
    rule(world.acme, name="Errors")
    answer = signed_in(world.ann).post("/alerts/create/?kind=errors", form(name="ERRORS"))
    assert "There is already an alert named ERRORS." in text_of(answer)


def test_there_are_not_more_alerts_than_can_be_looked_at(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "MOST_RULES", 1)
    rule(world.acme)
    with pytest.raises(AlertError, match="already 1 alerts"):
        rule(world.acme, name="Another")
    assert rule(world.globex).pk


def test_a_silence_begins_and_ends(world: World) -> None:
    client, made = signed_in(world.ann), rule(world.acme)
    for hours, expected in (("1", 1), ("24", 24)):
        client.post(f"/alerts/{made.pk}/silence/", {"hours": hours})
        until = stored(world.acme)[0].silent_until
        assert until is not None
        assert abs(until - timezone.now() - timedelta(hours=expected)) < timedelta(minutes=1)
    assert "silenced" in text_of(client.get("/alerts/"))
    for nonsense in ("", "-1", "2", "9999999999", "x", "²"):
        assert "1 hour or for 24 hours" in text_of(
            client.post(f"/alerts/{made.pk}/silence/", {"hours": nonsense}, follow=True)
        )
    client.post(f"/alerts/{made.pk}/silence/", {"hours": "0"})
    assert stored(world.acme)[0].silent_until is None
    assert trail(world.acme) == ["created", "silenced", "silenced", "ended the silence of"]


def test_a_test_is_queued_once_a_minute(world: World) -> None:
    client, made = signed_in(world.ann), rule(world.acme)
    assert "A test for one place is queued" in text_of(client.post(f"/alerts/{made.pk}/test/", follow=True))
    assert "less than a minute ago" in text_of(client.post(f"/alerts/{made.pk}/test/", follow=True))
    assert told(world.acme) == ["test"]
    silent = rule(world.acme, name="Nobody", emails=[])
    assert "tells nobody yet" in text_of(client.post(f"/alerts/{silent.pk}/test/", follow=True))
    assert "queued" in text_of(client.get("/alerts/deliveries/?state=queued"))
    assert "Nothing matches" in text_of(client.get("/alerts/deliveries/?state=sent"))


def test_a_reader_sees_everything_but_secrets_and_changes_nothing(world: World) -> None:
    made = rule(world.acme)
    for client in (signed_in(world.al), signed_in(world.uma, prefix="/all/o/acme")):
        for path in ("", "history/", "deliveries/", f"{made.pk}/"):
            page = client.get(f"/alerts/{path}")
            assert (page.status_code, "Edit</a>" in text_of(page)) == (200, False)
        for path in ("create/", *(f"{made.pk}/{word}/" for word in ("edit", "delete", "silence", "test", "secret"))):
            assert client.post(f"/alerts/{path}", form()).status_code == 403
    assert ([kept.name for kept in stored(world.acme)], deliveries(world.acme)) == (["Errors"], [])


def fired(world: World, pour: Pour, look: Look, noon: datetime) -> AlertRule:
    made = rule(world.acme)
    pour(requests(world.acme, noon, bad=100))
    for minute in (1, 7, 13):
        look(minute)
    return made


def test_history_shows_what_fired_and_is_narrowed(world: World, pour: Pour, look: Look, noon: datetime) -> None:
    made, client = fired(world, pour, look, noon), signed_in(world.ann)
    other = rule(world.acme, name="Other")
    for path, is_there in (
        ("", True), (f"?rule={made.pk}", True), (f"?rule={other.pk}", False), ("?state=over", True),
        ("?state=firing", False), ("?state=nonsense", True), ("?rule=nonsense", False),
    ):  # fmt: skip
        assert ("100% errors" in text_of(client.get(f"/alerts/history/{path}"))) == is_there, path
    assert "100% errors" in text_of(client.get(f"/alerts/{made.pk}/"))


@pytest.fixture
def client_of_ann(world: World) -> SiteClient:
    rule(world.acme)
    return signed_in(world.ann)


QUERY = st.dictionaries(
    st.sampled_from(["rule", "state", "sort", "after", "before", "kind", "q"]), st.text(max_size=30), max_size=4
)


@hypothesis_settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=QUERY, page=st.sampled_from(["", "history/", "deliveries/", "create/"]))
def test_filters_take_whatever_is_typed(client_of_ann: SiteClient, query: dict[str, str], page: str) -> None:
    query = {name: value.encode(errors="ignore").decode() for name, value in query.items()}
    assert client_of_ann.get(f"/alerts/{page}", query).status_code == 200


@pytest.mark.parametrize("path", ["", "history/", "deliveries/"])
def test_lists_take_as_many_queries_for_one_row_as_for_three(
    world: World, pour: Pour, look: Look, noon: datetime, path: str
) -> None:
    pour(requests(world.acme, noon, bad=100))
    client = signed_in(world.ann)

    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert client.get(f"/alerts/{path}").status_code == 200
        return len(asked)

    rule(world.acme, name="One", api=making.api(world.acme, "One").pk, threshold=0)
    rule(world.acme, name="All of one")
    look(1)
    before = queries()
    for name in ("Two", "Three"):
        rule(world.acme, name=name, api=making.api(world.acme, name).pk)
        rule(world.acme, name=f"All of {name}")
    look(2)
    assert (len(firings(world.acme)), queries()) == (3, before)


# Previews


@pytest.mark.parametrize(
    ("truths", "times"),
    [("", 0), ("....", 0), ("x...", 1), ("x.x.x", 1), ("x....x", 1), ("x.....x", 2), ("xxxxx......xx", 2)],
)
def test_times_fired_counts_what_begins(truths: str, times: int) -> None:
    assert times_fired([truth == "x" for truth in truths], calm=5) == times


def test_a_preview_says_what_the_pump_would_have_done(world: World, pour: Pour, look: Look, noon: datetime) -> None:
    """Of the same traffic, rules of five and fifteen minutes that are looked at each minute fire as often."""
    for minute, bad in ((0, 30), (3, 30), (20, 30), (45, 5), (70, 30)):
        pour(requests(world.acme, noon + timedelta(minutes=minute), good=70, bad=bad))
    for window in (5, 15):
        made = rule(world.acme, name=f"In {window}", window_min=window, least_requests=50)
        for minute in range(1, 119):
            look(minute)
        fired = sum(firing.rule_id == made.pk for firing in firings(world.acme))
        with scope.opened(scope.of(world.acme.id)):
            said = previewing.preview(made, now=datetime.now(UTC))
        assert said.startswith(f"It would have fired {fired} times in the last 2 days, minute by minute"), window
        assert fired > 1


def test_a_form_is_previewed_without_being_saved(world: World, pour: Pour, noon: datetime) -> None:
    pour(requests(world.acme, noon, bad=100))
    client = signed_in(world.ann)
    answer = client.post("/alerts/create/?kind=errors", form(window_min="60", preview="on"))
    assert "It would have fired once in the last 7 days, hour by hour." in text_of(answer)
    assert 'value="Ours"' in text_of(answer)
    answer = client.post("/alerts/create/?kind=errors", form(threshold="50", least_requests="500", preview="on"))
    assert "It would not have fired in the last 2 days" in text_of(answer)
    answer = client.post("/alerts/create/?kind=expiry", form(preview="on"))
    assert "It would not fire now." in text_of(answer)
    answer = client.post("/alerts/create/?kind=errors", form(threshold="1000", preview="on"))
    assert set(answer.context["form"].errors) == {"threshold"}
    assert (stored(world.acme), trail(world.acme)) == ([], [])

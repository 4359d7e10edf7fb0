"""Two at once: whoever comes second waits, and then finds what the first has left."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from keys.models import Key
from orgs import scope
from orgs.services import create_organisation, delete_organisation
from portal.addresses import Places
from portal.models import Attempt, Developer, KeyRequest
from portal.services import applications, attempts, developers, requests, signing_up
from tests.conftest import PASSWORD
from tests.portal.shared import Shop, a_request, open_shop
from tests.walls.conftest import installed

__all__ = ["installed"]
Act = Callable[[], Any]


@pytest.fixture
def shop(installed: None) -> Iterator[Shop]:
    """Acme's portal, committed."""
    acme = create_organisation(name="Acme", slug="race")
    yield open_shop(acme)
    with scope.opened(scope.of(acme.id)):
        delete_organisation(organisation=acme, cascade=True)


@pytest.fixture
def places(shop: Shop) -> Places:
    return Places(shop.organisation, portal="http://testserver/o/race/portal", dashboard="http://testserver/o/race")


def in_turn(shop: Shop, first: Act, second: Act) -> list[Any]:
    """Begin `second` while `first` has done its work and has not committed; return what they answered, or raised."""
    done, may_end = threading.Event(), threading.Event()
    answers: list[Any] = [None, None]

    def run(at: int, act: Act, waits: bool) -> None:
        try:
            with shop.inside():
                answers[at] = act()
                if waits:
                    done.set()
                    may_end.wait(10)
        except Exception as error:
            answers[at] = error
        finally:
            done.set()
            connection.close()

    threads = [threading.Thread(target=run, args=args) for args in ((0, first, True), (1, second, False))]
    threads[0].start()
    done.wait(10)
    threads[1].start()
    time.sleep(0.5)  # long enough to come to what it waits for
    may_end.set()
    for thread in threads:
        thread.join(20)
    return answers


def approved(shop: Shop) -> KeyRequest:
    with shop.inside():
        return a_request(shop, state=KeyRequest.APPROVED)


def working_keys(shop: Shop) -> int:
    with shop.inside():
        return Key.objects.filter(revoked_at=None, is_disabled=False).count()


@pytest.mark.parametrize("second", ["approve", "refuse"])
def test_two_administrators_decide_once(shop: Shop, places: Places, second: str) -> None:
    with shop.inside():
        asked = a_request(shop)

    def decide(how: str, by: str) -> Act:
        return lambda: getattr(requests, how)(places=places, asked=asked, by=by, reason="So it is")

    answers = in_turn(shop, decide("approve", "ann"), decide(second, "bob"))
    assert isinstance(answers[1], requests.DecidedAlready)
    with shop.inside():
        saved = KeyRequest.objects.get()
    assert (saved.state, saved.decided_by) == ("approved", "ann")


def test_two_clicks_make_one_key(shop: Shop) -> None:
    asked = approved(shop)
    answers = in_turn(shop, lambda: requests.take_key(asked=asked), lambda: requests.take_key(asked=asked))
    assert "taken already" in str(answers[1])
    assert working_keys(shop) == 1


def test_two_clicks_ask_once(shop: Shop, places: Places) -> None:
    with shop.inside():
        application = applications.create_application(developer=shop.dev, name="Tracker")

    def ask() -> Any:
        return requests.ask(places=places, application=application, plan=shop.plan)

    answers = in_turn(shop, ask, ask)
    assert isinstance(answers[1], requests.AskedAlready)


@pytest.mark.parametrize("end", ["disable", "delete", "delete the application"])
@pytest.mark.parametrize("takes_first", [True, False])
def test_no_key_works_after_its_developer_or_application_has_gone(shop: Shop, end: str, takes_first: bool) -> None:
    asked = approved(shop)

    def take() -> Any:
        return requests.take_key(asked=asked)

    def stop() -> Any:
        match end:
            case "disable":
                return developers.disable_developer(developer=shop.dev)
            case "delete":
                return developers.delete_developer(developer=shop.dev)
        return applications.delete_application(application=asked.application)

    answers = in_turn(shop, take, stop) if takes_first else in_turn(shop, stop, take)
    assert working_keys(shop) == 0
    assert isinstance(answers[1 - takes_first], tuple) == takes_first
    if not takes_first:
        assert "no keys" in str(answers[1]) or "there no more" in str(answers[1])


def join(link: str, start: threading.Barrier, answers: list[int]) -> None:
    start.wait()
    sent = {"name": "Kim", "password": PASSWORD, "again": PASSWORD}
    answers.append(Client().post(link, sent).status_code)
    connection.close()


def test_link_that_is_used_twice_at_once_makes_one_developer(shop: Shop, places: Places) -> None:
    with shop.inside():
        _, one = signing_up.invite(places=places, email="kim@example.com", by="ann")
        _, other = signing_up.invite(places=places, email="kim@example.com", by="ann")
    for links in ((one, one), (one, other)):
        start, answers = threading.Barrier(2), list[int]()
        threads = [threading.Thread(target=join, args=[link, start, answers]) for link in links]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert sorted(answers) in ([200, 302], [200, 200])
        with shop.inside():
            assert Developer.objects.filter(email="kim@example.com").count() == 1


def test_mails_that_are_asked_for_at_once_are_counted_one_after_the_other(shop: Shop) -> None:
    def note() -> bool:
        return attempts.note("reset", email="dev@example.com", visitor="203.0.113.7")

    assert in_turn(shop, note, note) == [True, False]
    with shop.inside():
        assert Attempt.objects.count() == 4

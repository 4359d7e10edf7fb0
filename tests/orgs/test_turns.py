"""Everybody has a turn, however many there are; who fails waits, and the others do not."""

from datetime import timedelta
from types import SimpleNamespace

import pytest

from orgs.turns import Turns, wait_after

IDS = [f"{n:024x}" for n in range(10)]


def test_all_have_had_a_turn_before_one_has_two() -> None:
    order = Turns()
    taken = [id for _ in range(5) for id in order.take(IDS, most=4)]
    assert taken == [*IDS, *IDS]


def test_who_comes_in_between_has_a_turn_too() -> None:
    order = Turns()
    assert order.take(IDS[1:4], most=2) == IDS[1:3]
    assert order.take([IDS[0], *IDS[1:4]], most=2) == [IDS[3], IDS[0]]


def test_nobody_there_is_no_turn() -> None:
    assert Turns().take([], most=4) == []


def test_who_is_put_off_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    order, now = Turns(), [100.0]
    monkeypatch.setattr("orgs.turns.time", SimpleNamespace(monotonic=lambda: now[0]))
    order.put_off(IDS[0])
    assert order.take(IDS[:2], most=4) == [IDS[1]]
    now[0] += 31
    assert order.take(IDS[:2], most=4) == IDS[:2]


def test_waits_double_up_to_four_hours() -> None:
    waits = [wait_after(number) / timedelta(minutes=1) for number in range(1, 30)]
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, *[240] * 21]

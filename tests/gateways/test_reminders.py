from types import SimpleNamespace

import pytest

from gateways.reminders import Reminders


def test_reminders_come_soon_and_then_ever_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    reminders, now = Reminders(), [100.0]
    monkeypatch.setattr("gateways.reminders.time", SimpleNamespace(monotonic=lambda: now[0]))
    told = []
    for _ in range(100):
        if reminders.is_due(is_behind=True):
            told.append(now[0] - 100)
        now[0] += 1
    assert told == [5, 15, 35, 75]
    assert not reminders.is_due(is_behind=False)
    assert not reminders.is_due(is_behind=True)
    now[0] += 5
    assert reminders.is_due(is_behind=True)

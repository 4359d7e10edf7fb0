"""How `manage.py up` keeps its children; tests/test_up.py has all of it together."""

import signal
import sys
import time
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest

from dashboard import children


def test_a_child_that_ends_at_once_is_begun_anew_ever_later(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, begun = SimpleNamespace(now=0.0), list[float]()

    def begin(words: list[str]) -> SimpleNamespace:
        begun.append(clock.now)
        return SimpleNamespace(poll=lambda: 3)

    monkeypatch.setattr(children, "time", SimpleNamespace(monotonic=lambda: clock.now))
    monkeypatch.setattr(children, "_start", begin)
    kept = children.Kept("worker", [])
    while len(begun) < 10:
        clock.now += 0.01
        kept.look_after()
    assert [round(after - before) for before, after in pairwise(begun)] == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_a_child_that_ran_for_long_is_begun_anew_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "_start", lambda words: SimpleNamespace(poll=lambda: 3))
    kept = children.Kept("worker", [])
    kept.wait_s, kept.began = 32, kept.began - children.STEADY_S - 1
    kept.look_after()
    assert kept.due
    assert kept.due - kept.began < children.STEADY_S + 5


def test_a_child_that_does_not_heed_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "STOP_TIMEOUT_S", 0.2)
    program = (
        "import pathlib, signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "pathlib.Path(sys.argv[1]).touch(); time.sleep(600)"
    )
    child = children._start([sys.executable, "-c", program, str(tmp_path / "deaf")])
    while not (tmp_path / "deaf").exists():
        time.sleep(0.01)
    children._stop([child])
    assert child.returncode == -signal.SIGKILL

"""What `manage.py up` runs as children of its own: the web server, and what is begun anew whenever it ends.

None outlives `up`: it ends them when it ends, and where it is killed, Linux tells them.
"""

import contextlib
import ctypes
import logging
import signal
import subprocess
import sys
import time

LIBC = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1
LOOK_S = 0.2
STOP_TIMEOUT_S = 10  # gunicorn gives the calls that it is answering five
STEADY_S = 60  # who ran for so long did not end at once
LONGEST_WAIT_S = 60

logger = logging.getLogger(__name__)


class Kept:
    """A process that is begun anew when it ends: after a second, and after ever longer while it ends at once."""

    def __init__(self, name: str, words: list[str]) -> None:
        self.name, self.words = name, words
        self.wait_s = 1
        self.begin()

    def begin(self) -> None:
        self.process = _start(self.words)
        self.began = time.monotonic()
        self.due: float | None = None

    def look_after(self) -> None:
        code = self.process.poll()
        if code is None:
            return
        now = time.monotonic()
        if self.due is None:
            self.wait_s = 1 if now - self.began > STEADY_S else self.wait_s
            logger.warning("The %s has ended with %s; it is begun anew in %s s.", self.name, code, self.wait_s)
            self.due = now + self.wait_s
            self.wait_s = min(2 * self.wait_s, LONGEST_WAIT_S)
        elif now > self.due:
            self.begin()


def serve(web: list[str], others: dict[str, list[str]]) -> int:
    """Run all until the web server ends; return its exit code. Whatever ends this ends all."""
    server, kept = _start(web), list[Kept]()
    try:
        kept += [Kept(name, words) for name, words in others.items()]
        while server.poll() is None:
            for child in kept:
                child.look_after()
            time.sleep(LOOK_S)
        return server.returncode
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # asked twice, still leave nothing behind
            signal.signal(number, signal.SIG_IGN)
        _stop([server, *(child.process for child in kept)])


def _start(words: list[str]) -> subprocess.Popen[bytes]:
    """Start a child in a session of its own, so that Ctrl-C reaches `up` alone, which knows the order of things.

    It inherits what is marked for that: the lock of `up`, and what says that the database is used.
    """
    return subprocess.Popen(  # noqa: S603
        words, stdin=subprocess.DEVNULL, start_new_session=True, close_fds=False, preexec_fn=_end_with_parent
    )


def _end_with_parent() -> None:
    if sys.platform == "linux":
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _stop(processes: list[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        process.terminate()
    deadline = time.monotonic() + STOP_TIMEOUT_S
    for process in processes:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(max(0, deadline - time.monotonic()))
        process.kill()
        process.wait()

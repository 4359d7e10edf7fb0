"""At most one `manage.py up` for each `var/`: it holds a lock on `var/up.pid`, which dies with its process.

Its children, the web server, the worker and the pump, hold it too: where `up` was killed it also tells when all have
gone.
"""

import contextlib
import fcntl
import os
import signal
import time
from pathlib import Path

STOP_TIMEOUT_S = 20


def claim(var_dir: Path, port: int) -> bool:
    """Take the lock for the rest of this process's life; return False where another one holds it."""
    var_dir.mkdir(parents=True, exist_ok=True)
    file = os.open(_path(var_dir), os.O_RDWR | os.O_CREAT, 0o644)
    if not _lock(file):
        os.close(file)
        return False
    os.set_inheritable(file, True)
    os.ftruncate(file, 0)
    os.write(file, f"{os.getpid()} {port}".encode())
    return True


def found(var_dir: Path) -> tuple[int, int] | None:
    """Return the process and the port of the `up` that runs, if one does."""
    if not _path(var_dir).exists():
        return None
    file = os.open(_path(var_dir), os.O_RDWR)
    try:
        free = _lock(file)
    finally:
        os.close(file)
    return None if free else _noted(var_dir)


def stop(var_dir: Path) -> bool:
    """Stop the `up` that runs and wait until it has gone; return whether there was one."""
    running = found(var_dir)
    if running is None:
        return False
    with contextlib.suppress(ProcessLookupError):  # it was killed, and its children are still about to end
        os.kill(running[0], signal.SIGTERM)
    deadline = time.monotonic() + STOP_TIMEOUT_S
    while found(var_dir) is not None:
        if time.monotonic() > deadline:
            raise TimeoutError(f"Process {running[0]} has not stopped within {STOP_TIMEOUT_S} s.")
        time.sleep(0.05)
    return True


def _path(var_dir: Path) -> Path:
    return var_dir / "up.pid"


def _lock(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _noted(var_dir: Path) -> tuple[int, int] | None:
    try:
        pid, port = _path(var_dir).read_text().split()
        return int(pid), int(port)
    except ValueError:  # it has the lock and is about to write
        return None

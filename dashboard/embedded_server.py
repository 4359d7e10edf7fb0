"""What the embedded servers have in common: private folders, and programs that leave root. Imports no Django."""

import contextlib
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path

# What a server is told of our environment: not the secrets, since it may run as another account.
ENVIRONMENT = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH")


class EmbeddedServerError(Exception):
    """An embedded server cannot run here; the text says why and what to do."""


def environment() -> dict[str, str]:
    return {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}


def account_of(data_dir: Path) -> pwd.struct_passwd | None:
    """Return the account that root borrows: that of existing data, else one of little power, if there is one."""
    if data_dir.exists() and (uid := data_dir.stat().st_uid) != 0:
        return pwd.getpwuid(uid)
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    return None


def make_private(folder: Path, account: pwd.struct_passwd | None) -> None:
    """Make the folder where it is missing; with an account, we are root and it shall be that account's."""
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    if account and folder.lstat().st_uid == 0:
        os.chown(folder, account.pw_uid, account.pw_gid, follow_symlinks=False)
    _refuse_foreign(folder, account.pw_uid if account else os.geteuid())


def _refuse_foreign(folder: Path, uid: int) -> None:
    """The temporary folder is everyone's: somebody else may have been there first."""
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != uid:
        raise EmbeddedServerError(f"{folder} belongs to another account: run as that one, or set VAR_DIR.")
    if stat.S_IMODE(found.st_mode) & 0o077:
        folder.chmod(0o700)


def leave_root(account: pwd.struct_passwd, *places: Path) -> list[str] | None:
    """Return the words before a command that turn root into the account; None without the program for it.

    Where that account may not enter one of the places (a checkout below /root), the server keeps one power
    of root, to pass by file permissions: the alternative would be to open the folder to everyone.
    """
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        return None
    words = [setpriv, f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"]
    if all(_may_enter(account, place) for place in places):
        return words
    # access(2) counts no capability of a plain account without that secure bit.
    power = "+dac_override"
    return [*words, f"--inh-caps={power}", f"--ambient-caps={power}", "--securebits=+no_setuid_fixup"]


def _may_enter(account: pwd.struct_passwd, place: Path) -> bool:
    """Ask as that account: only the system knows every rule, access lists included."""
    uid, gid = account.pw_uid, account.pw_gid
    command = ["/usr/bin/env", "test", "-x", str(place)]
    asked = subprocess.run(command, user=uid, group=gid, extra_groups=[], cwd="/", env=environment())  # noqa: S603
    return asked.returncode == 0


def run(
    command: list[str], folder: Path, *, typed: str = "", inherits: tuple[int, ...] = (), **changes: str
) -> subprocess.CompletedProcess[str]:
    """Run a program in the folder, with `typed` as its standard input; `changes` are to its environment."""
    # Files and not pipes: the server inherits them, and a pipe would never end.
    with tempfile.TemporaryFile("w+") as given, tempfile.TemporaryFile("w+") as errors:
        given.write(typed)
        given.seek(0)
        done = subprocess.run(  # noqa: S603
            command, stdin=given, stdout=subprocess.DEVNULL, stderr=errors, cwd=folder, pass_fds=inherits,
            env=environment() | changes,
        )  # fmt: skip
        errors.seek(0)
        return subprocess.CompletedProcess(command, done.returncode, stderr=errors.read())


def last_fault(text: str) -> str:
    lines = text.strip().splitlines() or ["no reason given"]
    return next((line for line in reversed(lines) if "FATAL" in line or "error" in line), lines[-1])

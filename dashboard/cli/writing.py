"""Files that are there whole or not at all."""

import os
from contextlib import suppress
from pathlib import Path
from secrets import token_hex

FOR_ALL, FOR_ITS_OWNER = 0o666, 0o600  # before the umask


def write(file: Path, text: str, *, mode: int = FOR_ALL) -> None:
    """Put the text in the file's place at once, however this ends."""
    beside = file.with_name(f".{file.name[:80]}.{token_hex(4)}")
    try:
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8") as output:
            output.write(text)
            output.flush()
            os.fsync(output.fileno())
        beside.replace(file)
    except BaseException:  # Ctrl-C too
        with suppress(FileNotFoundError):
            beside.unlink()
        raise

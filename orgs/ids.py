"""The ids that leave the system: 24 lower-case hex characters, as gateways and their clients expect."""

import re
import secrets
import time

from django.urls import register_converter

HEX_24 = re.compile(r"[0-9a-f]{24}")


def new_id() -> str:
    """The seconds of now, its microseconds, then 44 random bits: a later id sorts after an earlier one."""
    seconds, microseconds = divmod(time.time_ns() // 1_000, 1_000_000)
    return f"{seconds:08x}{microseconds:05x}{secrets.randbits(44):011x}"


def is_id(text: str) -> bool:
    return HEX_24.fullmatch(text) is not None


class IdConverter:
    """`<id:…>` in a URL pattern; anything else is a page that does not exist."""

    regex = HEX_24.pattern

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(IdConverter, "id")

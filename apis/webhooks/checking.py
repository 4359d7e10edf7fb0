"""What a webhook must be, since gateways that others share call it."""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from apis.rules import GATEWAY_SECRET, OWN_TEMPLATE
from orgs.addresses import Reach, host_of, reach_of, target_fault

METHODS = ("POST", "GET", "PUT", "PATCH", "DELETE")
MAX_NAME = 120
MAX_TIMEOUT_S = 31_536_000
MOST_HEADERS, MAX_VALUE = 50, 4_000
HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,200}", re.ASCII)


class WebhookError(ValueError):
    """Why a webhook is not taken, as a sentence, and the field that it is about."""

    def __init__(self, message: str, field: str) -> None:
        super().__init__(message)
        self.field = field


def check_name(name: str) -> None:
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise WebhookError(f"A webhook's name has 1 to {MAX_NAME} printable characters.", "name")
    _refuse_secret(name, "name", "name")


def check_method(method: str) -> None:
    if method not in METHODS:
        raise WebhookError(f"The method must be one of {', '.join(METHODS)}.", "method")


def check_target(target: str, *, allow_loopback: bool) -> None:
    if fault := target_fault(target):
        raise WebhookError(f"The target {fault}", "target_url")
    host = host_of(target) or ""
    reach = reach_of(host)
    if reach is Reach.FORBIDDEN:
        raise WebhookError(f"The target must not be a link-local or metadata address ({host}).", "target_url")
    if reach is Reach.LOOPBACK and not allow_loopback:
        raise WebhookError(f"The target must not be the gateway's own machine ({host}).", "target_url")
    _refuse_secret(target, "target", "target_url")


def check_headers(headers: Mapping[str, object]) -> None:
    """A line break in a name or value would make further headers of it."""
    if len(headers) > MOST_HEADERS:
        raise WebhookError(f"There are more than {MOST_HEADERS} headers.", "headers")
    if len({name.lower() for name in headers}) < len(headers):
        raise WebhookError("A header is there twice.", "headers")
    for name, value in headers.items():
        if not HEADER_NAME.fullmatch(name):
            raise WebhookError("A header's name holds only letters, digits and !#$%&'*+.^_`|~-.", "headers")
        if not isinstance(value, str) or len(value) > MAX_VALUE or not value.isprintable():
            raise WebhookError(f"The value of {name} must be at most {MAX_VALUE:,} printable characters.", "headers")
        _refuse_secret(f"{name}: {value}", f"header {name}", "headers")


def check_timeout(seconds: object) -> None:
    if isinstance(seconds, bool) or not isinstance(seconds, int) or not 0 <= seconds <= MAX_TIMEOUT_S:
        raise WebhookError(f"The event timeout is a whole number from 0 to {MAX_TIMEOUT_S:,}.", "event_timeout_s")


def check_template(path: str) -> None:
    """Any other path is a file of the gateway."""
    if path and not OWN_TEMPLATE.fullmatch(path):
        raise WebhookError("The template must be empty, or a file such as templates/name.json.", "template_path")


def read_headers(text: str) -> dict[str, str]:
    """Read lines of `Name: value`. Raises WebhookError with the line."""
    headers: dict[str, str] = {}
    for number, line in enumerate(text.split("\n"), 1):
        name, colon, value = (part.strip() for part in line.partition(":"))
        if not line.strip():
            continue
        if not colon or not name:
            raise WebhookError(f"Line {number}: write Name: value.", "headers")
        if name in headers:
            raise WebhookError(f"Line {number}: the header is there twice.", "headers")
        headers[name] = value
    return headers


def without_path(target: str) -> str:
    """Return the target up to its host: what follows is often a token, as is a password before it."""
    parts = urlsplit(target)
    origin = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    return f"{origin}/…" if parts.path.strip("/") or parts.query or parts.fragment else origin


def _refuse_secret(text: str, what: str, field: str) -> None:
    if found := GATEWAY_SECRET.search(text):
        raise WebhookError(f"The {what} must not hold “{found[0]}”: gateways put a secret there.", field)

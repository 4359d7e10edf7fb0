"""Which version the gateways of a group are, where the group's own API is known: gateways do not tell it otherwise.

The address is the installation's, never an organisation's.
"""

import logging

import httpx
import msgspec

from gateways.models import GatewayGroup, Lane
from orgs import scope

log = logging.getLogger(__name__)
TIMEOUT_S = 3.0
LARGEST_ANSWER = 100_000
LONGEST_VERSION = 40


class Hello(msgspec.Struct):
    version: str = ""


def ask_all() -> None:
    """Ask each group's API, and write down what it says; one that does not answer is what it was."""
    with scope.opened(scope.INSTALLATION):
        groups = dict(GatewayGroup.objects.exclude(api_url="").order_by().values_list("id", "api_url"))
    for id, url in groups.items():
        if version := ask(url):
            with scope.opened(scope.INSTALLATION):
                Lane.objects.filter(pk=id).exclude(version=version).update(version=version)


def ask(api_url: str) -> str:
    """Return the version that the gateway at this address tells, empty where there is none to be had."""
    try:
        with httpx.stream("GET", f"{api_url.rstrip('/')}/hello", timeout=TIMEOUT_S) as answer:
            body = next(answer.iter_bytes(LARGEST_ANSWER), b"")
        found = msgspec.json.decode(body, type=Hello).version
    except (httpx.HTTPError, httpx.InvalidURL, msgspec.MsgspecError) as error:
        log.info("No version of gateways is to be had at %s: %s", api_url, error)
        return ""
    return found[:LONGEST_VERSION] if found.isprintable() else ""

"""Records as gateways write them: one with the fields that matter to a test, and traffic in the shape of real one."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

LIST = "analytics-tyk-system-analytics"


def fields(**given: Any) -> dict[str, Any]:
    """Return a record of Tyk Gateway 3.1.2, with what a test gives; `at` is its time."""
    at: datetime = given.pop("at", datetime.now(UTC))
    latency = given.pop("latency", 12)
    country = given.pop("country", "")
    made = {
        "Method": "GET", "Host": "api.example.com", "Path": "/orders/17", "RawPath": "/shop/orders/17",
        "ContentLength": 0, "UserAgent": "curl/8.5.0", "Day": at.day, "Month": at.month, "Year": at.year,
        "Hour": at.hour, "ResponseCode": 200, "APIKey": "00000000", "TimeStamp": go_time(at),
        "APIVersion": "Non Versioned", "APIName": "Shop", "APIID": "a" * 32, "OrgID": "", "OauthID": "",
        "RequestTime": latency, "Latency": {"Total": latency, "Upstream": max(0, latency - 2)}, "RawRequest": "",
        "RawResponse": "", "IPAddress": "192.0.2.7",
        "Geo": {"Country": {"ISOCode": country}, "City": {"Names": None},
                "Location": {"Latitude": 0.0, "Longitude": 0.0, "TimeZone": ""}},
        "Network": {"OpenConnections": 0, "ClosedConnection": 0, "BytesIn": 0, "BytesOut": 0},
        "Tags": [], "Alias": "", "TrackPath": False, "ExpireAt": go_time(at + timedelta(days=36_500)),
    }  # fmt: skip
    return made | given


def go_time(at: datetime) -> list[int]:
    return [int(at.timestamp()), at.microsecond * 1_000]


def record(**given: Any) -> bytes:
    return msgspec.msgpack.encode(fields(**given))


def traffic(*organisations: str, start: datetime, end: datetime, count: int, seed: int = 1) -> Iterator[dict[str, Any]]:
    """Yield records over a span: more by day than by night, few keys with most of it, and a burst of errors.

    Each organisation has three APIs, twenty keys and some countries, tags and OAuth clients.
    """
    chance = random.Random(seed)  # noqa: S311 - no secret
    length = (end - start).total_seconds()
    burst = start + timedelta(seconds=length * 0.6)
    for _ in range(count):
        at = start + timedelta(seconds=chance.random() * length)
        if chance.random() < 0.5 * (abs(at.hour - 14) / 14):
            at = start + timedelta(seconds=chance.random() * length)
        organisation = chance.choice(organisations)
        api = min(2, int(chance.expovariate(1)))
        key = min(19, int(chance.expovariate(0.3)))
        fails = chance.random() < (0.5 if abs((at - burst).total_seconds()) < length / 50 else 0.03)
        yield fields(
            at=at,
            OrgID=organisation,
            APIID=f"{organisation}{api:08}",
            APIName=f"API {api}",
            APIKey=f"{organisation[:8]}{key:056}" if key else "00000000",
            Alias=f"client {key}" if key else "",
            APIVersion=chance.choice(("v1", "v2")) if api == 2 else "Non Versioned",
            Path=f"/orders/{chance.randrange(1000)}"
            if chance.random() < 0.5
            else chance.choice(("/", "/carts", "/pay")),
            Method=chance.choice(("GET", "GET", "POST")),
            ResponseCode=chance.choice((401, 404, 429, 500, 502, 503))
            if fails
            else chance.choice((200, 200, 201, 304)),
            latency=int(chance.lognormvariate(3.5, 0.9)),
            country=chance.choice(("GB", "DE", "DE", "IN", "")),
            Tags=chance.choice(([], ["blue"], ["blue", "eu"], [f"org-{organisations[0]}"])),
            OauthID=chance.choice(("", "", "mobile")),
        )

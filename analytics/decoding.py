"""What gateways write of each request, read leniently: one record that makes no sense does not stop the others.

A list in Redis holds MessagePack maps with the field names of Go (`Method`, `ResponseCode`, …). Times are pairs of
seconds and nanoseconds, or what other versions made of them.
"""

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from analytics import histogram
from analytics.naming import endpoint

LONGEST_PATH, LONGEST_TEXT, LONGEST_BODY = 2_000, 300, 64_000
MOST_TAGS = 20
# Clients say how long they are: sums of what they say must fit too.
MOST = 2**31 - 1
# Gateways' clocks differ, but not by this much.
AHEAD = timedelta(minutes=10)
NO_KEY = "00000000"
UNVERSIONED = ("", "Non Versioned", "Default")
# What a gateway adds to each record by itself.
AUTOMATIC_TAGS = ("key-", "org-", "api-")
PROTOBUF = "It is protobuf, not MessagePack: set `analytics_config.serializer_type` of the gateway to `msgpack`."


class Malformed(Exception):
    """A record that cannot be counted; the text says why."""


class Latency(msgspec.Struct, rename="pascal"):
    total: Any = 0
    upstream: Any = 0


class Country(msgspec.Struct):
    iso_code: Any = msgspec.field(name="ISOCode", default="")


class Geo(msgspec.Struct):
    country: Country | None = msgspec.field(name="Country", default=None)


class Raw(msgspec.Struct):
    """The fields that are used, and whatever is in them; unknown ones are skipped."""

    organisation_id: Any = msgspec.field(name="OrgID", default="")
    api_id: Any = msgspec.field(name="APIID", default="")
    api_name: Any = msgspec.field(name="APIName", default="")
    version: Any = msgspec.field(name="APIVersion", default="")
    key: Any = msgspec.field(name="APIKey", default="")
    alias: Any = msgspec.field(name="Alias", default="")
    client: Any = msgspec.field(name="OauthID", default="")
    at: Any = msgspec.field(name="TimeStamp", default=None)
    method: Any = msgspec.field(name="Method", default="")
    host: Any = msgspec.field(name="Host", default="")
    path: Any = msgspec.field(name="Path", default="")
    status: Any = msgspec.field(name="ResponseCode", default=None)
    request_time: Any = msgspec.field(name="RequestTime", default=0)
    latency: Latency | None = msgspec.field(name="Latency", default=None)
    size: Any = msgspec.field(name="ContentLength", default=0)
    address: Any = msgspec.field(name="IPAddress", default="")
    geo: Geo | None = msgspec.field(name="Geo", default=None)
    agent: Any = msgspec.field(name="UserAgent", default="")
    tags: Any = msgspec.field(name="Tags", default=None)
    request: Any = msgspec.field(name="RawRequest", default="")
    response: Any = msgspec.field(name="RawResponse", default="")


class Request(msgspec.Struct, frozen=True):
    """One request, each part of the type that its column has."""

    organisation_id: str
    at: datetime
    api_id: str
    api_name: str
    version: str
    key: str
    alias: str
    client: str
    method: str
    host: str
    path: str
    endpoint: str
    status: int
    latency: int
    upstream: int
    size: int
    address: str
    country: str
    agent: str
    tags: list[str]
    request: str
    response: str


_decode = msgspec.msgpack.Decoder(Raw).decode
_decode_anything = msgspec.msgpack.Decoder().decode


def decoded(data: bytes) -> Raw:
    """Return the fields of a record. Raises Malformed."""
    try:
        return _decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return _decoded_otherwise(data, str(error))


def _decoded_otherwise(data: bytes, fault: str) -> Raw:
    """A part may be of another type than it should be, and the rest be all right."""
    try:
        found = _decode_anything(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Malformed(PROTOBUF if data[:1] == b"\n" else f"It is no MessagePack map: {fault}")
    names = {field.encode_name: field.name for field in msgspec.structs.fields(Raw)}
    raw = Raw(**{names[name]: value for name, value in found.items() if isinstance(name, str) and name in names})
    latency, geo = found.get("Latency"), found.get("Geo")
    raw.latency = Latency(latency.get("Total", 0), latency.get("Upstream", 0)) if isinstance(latency, dict) else None
    country = geo.get("Country") if isinstance(geo, dict) else None
    raw.geo = Geo(Country(country.get("ISOCode", ""))) if isinstance(country, dict) else None
    return raw


def read(raw: Raw, *, now: datetime, oldest: datetime) -> Request:
    """Return the request that a record tells of. Raises Malformed for what cannot be counted without it.

    A latency below 0, as of a clock that was set back, counts as 0.
    """
    at = _time(raw.at)
    if not oldest <= at <= now + AHEAD:
        side = "ahead of" if at > now else "behind"
        raise Malformed(f"Its clock is too far {side} ours, or it is too old.")
    api_id = _text(raw.api_id, 60)
    if not api_id:
        raise Malformed("It names no API.")
    method, path = _text(raw.method, 20).upper(), _text(raw.path, LONGEST_PATH)
    key = _text(raw.key, 100)
    version = _text(raw.version, LONGEST_TEXT)
    latency = raw.latency or Latency(raw.request_time)
    return Request(
        organisation_id=_text(raw.organisation_id, 60),
        at=at,
        api_id=api_id,
        api_name=_text(raw.api_name, LONGEST_TEXT),
        version="" if version in UNVERSIONED else version,
        key="" if key == NO_KEY else key,
        alias=_text(raw.alias, LONGEST_TEXT),
        client=_text(raw.client, LONGEST_TEXT),
        method=method,
        host=_text(raw.host, LONGEST_TEXT),
        path=path,
        endpoint=endpoint(method, path),
        status=_status(raw.status),
        latency=_whole(latency.total or raw.request_time, MOST),
        upstream=_whole(latency.upstream, MOST),
        size=_whole(raw.size, MOST),
        address=_text(raw.address, 45),
        country=_country(raw.geo),
        agent=_text(raw.agent, LONGEST_TEXT),
        tags=_tags(raw.tags),
        request=_text(raw.request, LONGEST_BODY),
        response=_text(raw.response, LONGEST_BODY),
    )


def _time(value: Any) -> datetime:
    try:
        if isinstance(value, list | tuple) and len(value) == 2:
            seconds, nanoseconds = value
            return datetime.fromtimestamp(seconds, UTC).replace(microsecond=nanoseconds // 1_000)
        if isinstance(value, datetime):
            return value.astimezone(UTC)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC)
        if isinstance(value, str):
            found = datetime.fromisoformat(value)
            return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, TypeError, OverflowError, OSError):
        pass
    raise Malformed("Its time makes no sense.")


def _status(value: Any) -> int:
    if not isinstance(value, int) or not 100 <= value <= 599:
        raise Malformed("Its status is no status of HTTP.")
    return value


def _text(value: Any, longest: int) -> str:
    """PostgreSQL stores neither NUL nor half a character."""
    if not isinstance(value, str):
        return ""
    return value[:longest].replace("\0", "\ufffd") if "\0" in value else value[:longest]


def _whole(value: Any, most: int) -> int:
    return int(min(max(value, 0), most)) if isinstance(value, int | float) and not math.isnan(value) else 0


def _country(geo: Geo | None) -> str:
    code = geo.country.iso_code if geo and geo.country else ""
    return code.upper() if isinstance(code, str) and len(code) == 2 and code.isascii() and code.isalpha() else ""


def _tags(value: Any) -> list[str]:
    if not isinstance(value, list):
        return []
    tags = [_text(tag, 100) for tag in value if isinstance(tag, str) and tag and not tag.startswith(AUTOMATIC_TAGS)]
    return list(dict.fromkeys(tags))[:MOST_TAGS]


def columns(request: Request) -> tuple[int, int]:
    """Return the places of its latency and of its code in the histograms."""
    return histogram.step_of(request.latency), histogram.place_of(request.status)

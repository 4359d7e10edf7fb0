"""What gateways write of each request, read leniently: one record that makes no sense does not stop the others.

A list in Redis holds MessagePack maps with the field names of Go (`Method`, `ResponseCode`, …). Times are pairs of
seconds and nanoseconds, or what other versions made of them.
"""

from collections.abc import Mapping
from contextlib import suppress
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
    total: int | float = 0
    upstream: int | float = 0


class Country(msgspec.Struct):
    iso_code: str = msgspec.field(name="ISOCode", default="")


class Geo(msgspec.Struct):
    country: Country | None = msgspec.field(name="Country", default=None)


class Raw(msgspec.Struct):
    """The fields that are used, as a gateway names them, and of the types that it writes; unknown ones are skipped."""

    organisation_id: str = msgspec.field(name="OrgID", default="")
    api_id: str = msgspec.field(name="APIID", default="")
    api_name: str = msgspec.field(name="APIName", default="")
    version: str = msgspec.field(name="APIVersion", default="")
    key: str = msgspec.field(name="APIKey", default="")
    alias: str = msgspec.field(name="Alias", default="")
    client: str = msgspec.field(name="OauthID", default="")
    at: Any = msgspec.field(name="TimeStamp", default=None)
    method: str = msgspec.field(name="Method", default="")
    host: str = msgspec.field(name="Host", default="")
    path: str = msgspec.field(name="Path", default="")
    status: int = msgspec.field(name="ResponseCode", default=0)
    request_time: int | float = msgspec.field(name="RequestTime", default=0)
    latency: Latency | None = msgspec.field(name="Latency", default=None)
    size: int | float = msgspec.field(name="ContentLength", default=0)
    address: str = msgspec.field(name="IPAddress", default="")
    geo: Geo | None = msgspec.field(name="Geo", default=None)
    agent: str = msgspec.field(name="UserAgent", default="")
    tags: list[str] | None = msgspec.field(name="Tags", default=None)
    request: str = msgspec.field(name="RawRequest", default="")
    response: str = msgspec.field(name="RawResponse", default="")


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
        fault = str(error)
    try:
        found = _decode_anything(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Malformed(PROTOBUF if data[:1] == b"\n" else f"It is no MessagePack map: {fault}")
    return raw_of(found)


def raw_of(found: Mapping[Any, Any]) -> Raw:
    """Return the fields of a map as those of a record; one that is of another type is as if it were not there."""
    raw = Raw()
    for field in msgspec.structs.fields(Raw):
        with suppress(msgspec.ValidationError, KeyError):
            setattr(raw, field.name, msgspec.convert(found[field.encode_name], field.type))
    return raw


def read(raw: Raw, *, now: datetime, oldest: datetime) -> Request:
    """Return the request that a record tells of. Raises Malformed for what cannot be counted without it.

    A latency below 0, as of a clock that was set back, counts as 0.
    """
    at = _time(raw.at)
    if not oldest <= at <= now + AHEAD:
        side = "ahead of" if at > now else "behind"
        raise Malformed(f"Its clock is too far {side} ours, or it is too old.")
    if not raw.api_id:
        raise Malformed("It names no API.")
    if not 100 <= raw.status <= 599:
        raise Malformed("Its status is no status of HTTP.")
    method, path = raw.method[:20].upper(), raw.path[:LONGEST_PATH]
    latency = raw.latency or Latency(raw.request_time)
    request = Request(
        organisation_id=raw.organisation_id[:60],
        at=at,
        api_id=raw.api_id[:60],
        api_name=raw.api_name[:LONGEST_TEXT],
        version="" if raw.version in UNVERSIONED else raw.version[:LONGEST_TEXT],
        key="" if raw.key == NO_KEY else raw.key[:100],
        alias=raw.alias[:LONGEST_TEXT],
        client=raw.client[:LONGEST_TEXT],
        method=method,
        host=raw.host[:LONGEST_TEXT],
        path=path,
        endpoint=endpoint(method, path),
        status=raw.status,
        latency=_whole(latency.total or raw.request_time),
        upstream=_whole(latency.upstream),
        size=_whole(raw.size),
        address=raw.address[:45],
        country=_country(raw.geo),
        agent=raw.agent[:LONGEST_TEXT],
        tags=_tags(raw.tags) if raw.tags else [],
        request=raw.request[:LONGEST_BODY],
        response=raw.response[:LONGEST_BODY],
    )
    return _without_nul(request) if _has_nul(request) else request


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


def _has_nul(request: Request) -> bool:
    return "\0" in "".join(
        (
            request.organisation_id, request.api_id, request.api_name, request.version, request.key, request.alias,
            request.client, request.method, request.host, request.path, request.address, request.agent, *request.tags,
            request.request, request.response,
        )
    )  # fmt: skip


def _without_nul(request: Request) -> Request:
    """PostgreSQL stores no NUL."""
    values = {name: _replaced(getattr(request, name)) for name in request.__struct_fields__}
    return Request(**values)


def _replaced(value: Any) -> Any:
    if isinstance(value, list):
        return [_replaced(one) for one in value]
    return value.replace("\0", "\ufffd") if isinstance(value, str) else value


def _whole(value: float) -> int:
    if type(value) is int and 0 <= value <= MOST:
        return value
    return int(min(max(value, 0), MOST)) if value == value else 0  # which NaN is not


def _country(geo: Geo | None) -> str:
    code = geo.country.iso_code if geo and geo.country else ""
    return code.upper() if len(code) == 2 and code.isascii() and code.isalpha() else ""


def _tags(found: list[str]) -> list[str]:
    tags = [tag[:100] for tag in found if tag and not tag.startswith(AUTOMATIC_TAGS)]
    return list(dict.fromkeys(tags))[:MOST_TAGS]


def columns(request: Request) -> tuple[int, int]:
    """Return the places of its latency and of its code in the histograms."""
    return histogram.step_of(request.latency), histogram.place_of(request.status)

"""A group's Redis (or Valkey): where its gateways read keys, and hear that something has changed."""

from functools import lru_cache

import redis
from django.conf import settings

from gateways.models import GatewayGroup
from gateways.protocol import CHANNEL, notification
from orgs.sealing import unseal

CONNECT_TIMEOUT_S = 2
TIMEOUT_S = 5
DEFAULT_PORT = 6379
SCHEMES = ("redis", "rediss")


class NoBus(Exception):
    """The group has no Redis, and the installation has none either."""


def url_of(group: GatewayGroup) -> str:
    """Return the address, with its password. Raises NoBus."""
    url = unseal(group.sealed_redis_url) if group.sealed_redis_url else settings.GATEWAY_REDIS_URL
    if not url:
        raise NoBus("There is no Redis: set GATEWAY_REDIS_URL, or give the group one of its own.")
    return str(url)


def place_of(group: GatewayGroup) -> tuple[str, int, int] | None:
    """Return the server and the database that the address leads to, whoever signs in there; None without an address."""
    try:
        found = redis.ConnectionPool.from_url(url_of(group)).connection_kwargs
    except NoBus:
        return None
    return str(found.get("host", "localhost")).lower(), int(found.get("port", DEFAULT_PORT)), int(found.get("db", 0))


def connect(group: GatewayGroup) -> "redis.Redis":
    return _client(url_of(group))


def connect_for_bytes(group: GatewayGroup) -> "redis.Redis":
    """Return a client for what is no text."""
    return _client(url_of(group), decode=False)


def checked(url: str) -> str:
    """Return the address if a client can be made of it. Raises ValueError: a worker must not stumble over it."""
    try:
        pool = redis.ConnectionPool.from_url(url)
        pool.connection_class(**pool.connection_kwargs)
    except (TypeError, redis.RedisError) as error:
        raise ValueError(str(error)) from None
    return url


@lru_cache(maxsize=1_000)
def _client(url: str, *, decode: bool = True) -> "redis.Redis":
    return redis.Redis.from_url(
        url, socket_connect_timeout=CONNECT_TIMEOUT_S, socket_timeout=TIMEOUT_S, decode_responses=decode
    )


def publish(client: "redis.Redis", command: str, payload: str, node_secrets: list[str]) -> None:
    """Tell the nodes, once with each secret that they may have: each drops what another secret has signed."""
    for secret in node_secrets:
        client.publish(CHANNEL, notification(command, payload, node_secret=secret))

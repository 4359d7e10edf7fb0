"""What a gateway of a group is configured with, as Tyk Gateway reads it. No Django here.

Secrets are placeholders: that of the group has been shown once, and those of Redis and of the gateway itself are known
to whoever runs it.
"""

from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

NODE_SECRET, API_SECRET, REDIS_PASSWORD, REDIS_HOST = (
    "NODE-SECRET-OF-THE-GROUP",
    "SECRET-OF-THE-GATEWAY-API",
    "PASSWORD-OF-REDIS",
    "HOST-OF-REDIS",
)
REDIS_PORT = 6379


def configuration(*, dashboard_url: str, redis_url: str, tags: Sequence[str], hash_algorithm: str) -> dict[str, Any]:
    """Return the settings that matter; a gateway has defaults for all others. An empty `redis_url` is one not known."""
    return {
        "listen_port": 8080,
        "secret": API_SECRET,
        "node_secret": NODE_SECRET,
        "use_db_app_configs": True,
        "db_app_conf_options": {
            "connection_string": dashboard_url,
            "node_is_segmented": bool(tags),
            "tags": list(tags),
        },
        "policies": {"policy_source": "service", "policy_connection_string": dashboard_url},
        "disable_dashboard_zeroconf": True,
        "storage": storage(redis_url),
        "hash_keys": True,
        "hash_key_function": hash_algorithm,
        "enforce_org_quotas": True,
        "allow_master_keys": False,
        # Or an API at a domain answers at every host, where its path is perhaps another organisation's.
        "enable_custom_domains": True,
        # Or a revoked key goes on for ten seconds: newer gateways remember it by a hash that no message can name.
        "local_session_cache": {"disable_cached_session_state": True},
        "enable_analytics": True,
        # Else what no pump has taken for a minute is gone.
        "analytics_config": {"storage_expiration_time": 3600},
    }


def storage(redis_url: str) -> dict[str, Any]:
    parts = urlsplit(redis_url)
    database = parts.path.strip("/")
    found: dict[str, Any] = {
        "type": "redis",
        "host": parts.hostname or REDIS_HOST,
        "port": parts.port or REDIS_PORT,
        "username": unquote(parts.username or ""),
        "password": REDIS_PASSWORD if parts.password or not redis_url else "",
        "database": int(database) if database.isdecimal() else 0,
    }
    return found | ({"use_ssl": True} if parts.scheme == "rediss" else {})

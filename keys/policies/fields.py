"""The fields of a policy's JSON and their types: a gateway cannot read a policy with a wrong one."""

from apis.tyk_fields import BOOL, INT, OBJECT, REAL, TEXT, TEXTS, MapOf, Struct
from keys import session_fields

PARTITIONS: Struct = {"quota": BOOL, "rate_limit": BOOL, "complexity": BOOL, "acl": BOOL, "per_api": BOOL}
# Gateways up to 5.1 read the names without the underscore.
ACCESS_RIGHT: Struct = {**session_fields.ACCESS_RIGHT, "apiname": TEXT, "apiid": TEXT}
POLICY: Struct = {
    "_id": TEXT,
    "id": TEXT,
    "name": TEXT,
    "org_id": TEXT,
    "rate": REAL,
    "per": REAL,
    "quota_max": INT,
    "quota_renewal_rate": INT,
    "throttle_interval": REAL,
    "throttle_retry_limit": INT,
    "max_query_depth": INT,
    "access_rights": MapOf(ACCESS_RIGHT),
    "hmac_enabled": BOOL,
    "enable_http_signature_validation": BOOL,
    "active": BOOL,
    "is_inactive": BOOL,
    "tags": TEXTS,
    "key_expires_in": INT,
    "partitions": PARTITIONS,
    "last_updated": TEXT,
    "meta_data": OBJECT,
    "state": TEXT,
    "auth_type": TEXT,
    "auth_types": TEXTS,
    "graphql_enabled": BOOL,
    "graphql_access_rights": OBJECT,
    "date_created": TEXT,
    "smoothing": session_fields.SMOOTHING,
    "post_expiry_action": TEXT,
    "post_expiry_grace_period": INT,
}

# What stands in columns or is worked out anew each time. All other fields are kept as they came.
OWN_POLICY_FIELDS = frozenset(
    {
        *("_id", "id", "name", "org_id", "rate", "per", "quota_max", "quota_renewal_rate", "access_rights", "active"),
        *("is_inactive", "tags", "key_expires_in", "partitions", "last_updated", "meta_data"),
    }
)
OWN_ACCESS_FIELDS = frozenset({"api_name", "api_id", "apiname", "apiid", "versions", "allowed_urls", "limit"})
OWN_LIMIT_FIELDS = frozenset({"rate", "per", "quota_max", "quota_renewal_rate"})
INACTIVE_STATES = frozenset({"deny", "draft"})

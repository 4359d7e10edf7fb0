"""The fields of a session object: their order and what they hold unless somebody says otherwise, and their types.

Types are those of Tyk Gateway 3.1.2 and of newer ones: a gateway cannot read a session with a wrong one.
"""

from typing import Any

from apis.tyk_fields import BOOL, INT, OBJECT, REAL, TEXT, TEXT_MAP, TEXTS, TIME, ListOf, MapOf, Struct


def empty_session() -> dict[str, Any]:
    """Every field of gateway 3.1, in its order."""
    return {
        "last_check": 0,
        "allowance": 0.0,
        "rate": 0.0,
        "per": 0.0,
        "throttle_interval": -1.0,
        "throttle_retry_limit": -1,
        "max_query_depth": -1,
        "date_created": "",
        "expires": 0,
        "quota_max": -1,
        "quota_renews": 0,
        "quota_remaining": -1,
        "quota_renewal_rate": 0,
        "access_rights": {},
        "org_id": "",
        "oauth_client_id": "",
        "oauth_keys": {},
        "certificate": "",
        "basic_auth_data": {"password": "", "hash_type": ""},
        "jwt_data": {"secret": ""},
        "hmac_enabled": False,
        "enable_http_signature_validation": False,
        "hmac_string": "",
        "rsa_certificate_id": "",
        "is_inactive": False,
        "apply_policy_id": "",
        "apply_policies": [],
        "data_expires": 0,
        "monitor": {"trigger_limits": []},
        "enable_detail_recording": False,
        "enable_detailed_recording": False,
        "meta_data": {},
        "tags": [],
        "alias": "",
        "last_updated": "",
        "id_extractor_deadline": 0,
        "session_lifetime": 0,
    }


def empty_limit() -> dict[str, Any]:
    return {
        "rate": 0.0,
        "per": 0.0,
        "throttle_interval": -1.0,
        "throttle_retry_limit": -1,
        "max_query_depth": -1,
        "quota_max": -1,
        "quota_renews": 0,
        "quota_remaining": -1,
        "quota_renewal_rate": 0,
    }


def empty_access_right() -> dict[str, Any]:
    return {
        "api_name": "",
        "api_id": "",
        "versions": [],
        "allowed_urls": [],
        "restricted_types": [],
        "limit": None,
        "allowance_scope": "",
    }


# What stands in columns, is worked out anew each time, or is sealed. All other fields are kept as they came.
OWN_SESSION_FIELDS = frozenset(
    {
        *("last_check", "allowance", "rate", "per", "date_created", "expires", "quota_max", "quota_renews"),
        *("quota_remaining", "quota_renewal_rate", "access_rights", "org_id", "basic_auth_data", "jwt_data"),
        *("hmac_string", "is_inactive", "apply_policy_id", "apply_policies", "meta_data", "tags", "alias"),
        "last_updated",
    }
)
OWN_LIMIT_FIELDS = frozenset(
    {"rate", "per", "quota_max", "quota_renews", "quota_remaining", "quota_renewal_rate"},
)
OWN_ACCESS_FIELDS = frozenset({"api_name", "api_id", "versions", "allowed_urls", "limit", "allowance_scope"})

SMOOTHING: Struct = {
    "enabled": BOOL,
    "threshold": INT,
    "trigger": REAL,
    "step": INT,
    "delay": INT,
}
LIMIT: Struct = {
    "rate": REAL,
    "per": REAL,
    "throttle_interval": REAL,
    "throttle_retry_limit": INT,
    "max_query_depth": INT,
    "quota_max": INT,
    "quota_renews": INT,
    "quota_remaining": INT,
    "quota_renewal_rate": INT,
    "smoothing": SMOOTHING,
}
RATE_LIMIT: Struct = {"rate": REAL, "per": REAL, "smoothing": SMOOTHING}
NAMED_LIMITS = ListOf({"name": TEXT, "limit": RATE_LIMIT})
GRAPHQL_TYPES = ListOf({"name": TEXT, "fields": TEXTS})
RULES: Struct = {"allowed": TEXTS, "blocked": TEXTS}
ACCESS_RIGHT: Struct = {
    "api_name": TEXT,
    "api_id": TEXT,
    "versions": TEXTS,
    "allowed_urls": ListOf({"url": TEXT, "methods": TEXTS}),
    "restricted_types": GRAPHQL_TYPES,
    "allowed_types": GRAPHQL_TYPES,
    "limit": LIMIT,
    "field_access_rights": ListOf({"type_name": TEXT, "field_name": TEXT, "limits": {"max_query_depth": INT}}),
    "disable_introspection": BOOL,
    "allowance_scope": TEXT,
    "endpoints": ListOf({"path": TEXT, "methods": NAMED_LIMITS}),
    "json_rpc_methods": NAMED_LIMITS,
    "json_rpc_methods_access_rights": RULES,
    "mcp_primitives": ListOf({"type": TEXT, "name": TEXT, "limit": RATE_LIMIT}),
    "mcp_access_rights": {"tools": RULES, "resources": RULES, "prompts": RULES},
}
SESSION: Struct = {
    **LIMIT,
    "last_check": INT,
    "allowance": REAL,
    "date_created": TIME,
    "expires": INT,
    "access_rights": MapOf(ACCESS_RIGHT),
    "org_id": TEXT,
    "oauth_client_id": TEXT,
    "oauth_keys": TEXT_MAP,
    "certificate": TEXT,
    "mtls_static_certificate_bindings": TEXTS,
    "basic_auth_data": {"password": TEXT, "hash_type": TEXT},
    "jwt_data": {"secret": TEXT},
    "hmac_enabled": BOOL,
    "enable_http_signature_validation": BOOL,
    "hmac_string": TEXT,
    "rsa_certificate_id": TEXT,
    "is_inactive": BOOL,
    "apply_policy_id": TEXT,
    "apply_policies": TEXTS,
    "data_expires": INT,
    "monitor": {"trigger_limits": ListOf(REAL)},
    "enable_detail_recording": BOOL,
    "enable_detailed_recording": BOOL,
    "meta_data": OBJECT,
    "tags": TEXTS,
    "alias": TEXT,
    "last_updated": TEXT,
    "id_extractor_deadline": INT,
    "session_lifetime": INT,
    "post_expiry_action": TEXT,
    "post_expiry_grace_period": INT,
}

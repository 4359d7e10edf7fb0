"""The JSON types of a classic definition, as Tyk Gateway 3.1.2 decodes it (its apidef.APIDefinition struct).

One wrong type makes a gateway refuse the APIs of every organisation, so every field it knows stands here.
Go reads `null` as absent, and matches names without regard to case: `Org_ID` would overwrite `org_id`.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import TypeAlias

from apis.jsontext import Path, Problem, dotted, dumps, shorten

RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII)


@dataclass(frozen=True)
class Scalar:
    """`type` is its JSON type, for schemas; empty is any."""

    words: str
    fits: Callable[[object], bool]
    type: str = "string"


@dataclass(frozen=True)
class ListOf:
    item: "Kind"


@dataclass(frozen=True)
class MapOf:
    item: "Kind"


Struct: TypeAlias = Mapping[str, "Kind"]
Kind: TypeAlias = Scalar | ListOf | MapOf | Struct


def _whole(low: int, high: int) -> Scalar:
    return Scalar(
        f"a whole number from {low} to {high}",
        lambda value: isinstance(value, int) and not isinstance(value, bool) and low <= value <= high,
        "integer",
    )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_time(value: object) -> bool:
    if not isinstance(value, str) or not RFC3339.fullmatch(value):
        return False
    try:
        return bool(datetime.fromisoformat(value))
    except ValueError:
        return False


TEXT = Scalar("a text", lambda value: isinstance(value, str))
BOOL = Scalar("true or false", lambda value: isinstance(value, bool), "boolean")
REAL = Scalar("a number", _is_number, "number")
INT = _whole(-(2**63), 2**63 - 1)
UINT = _whole(0, 2**64 - 1)
UINT16 = _whole(0, 2**16 - 1)
TIME = Scalar("a time such as 2026-01-31T12:00:00Z", _is_time)
ANY = Scalar("anything", lambda value: True, "")
OBJECT = MapOf(ANY)
TEXTS = ListOf(TEXT)
TEXT_MAP = MapOf(TEXT)

SIGNATURE: Struct = {
    "algorithm": TEXT,
    "header": TEXT,
    "secret": TEXT,
    "allowed_clock_skew": INT,
    "error_code": INT,
    "error_message": TEXT,
}

AUTH: Struct = {
    "use_param": BOOL,
    "param_name": TEXT,
    "use_cookie": BOOL,
    "cookie_name": TEXT,
    "auth_header_name": TEXT,
    "use_certificate": BOOL,
    "validate_signature": BOOL,
    "signature": SIGNATURE,
}

SERVICE_DISCOVERY: Struct = {
    "use_discovery_service": BOOL,
    "query_endpoint": TEXT,
    "use_nested_query": BOOL,
    "parent_data_path": TEXT,
    "data_path": TEXT,
    "port_data_path": TEXT,
    "target_path": TEXT,
    "use_target_list": BOOL,
    "cache_timeout": INT,
    "endpoint_returns_list": BOOL,
}

PROXY: Struct = {
    "preserve_host_header": BOOL,
    "listen_path": TEXT,
    "target_url": TEXT,
    "disable_strip_slash": BOOL,
    "strip_listen_path": BOOL,
    "enable_load_balancing": BOOL,
    "target_list": TEXTS,
    "check_host_against_uptime_tests": BOOL,
    "service_discovery": SERVICE_DISCOVERY,
    "transport": {
        "ssl_insecure_skip_verify": BOOL,
        "ssl_ciphers": TEXTS,
        "ssl_min_version": UINT16,
        "ssl_force_common_name_check": BOOL,
        "proxy_url": TEXT,
    },
}

ROUTE: Struct = {"path": TEXT, "method": TEXT}

ENDPOINT: Struct = {
    "path": TEXT,
    "ignore_case": BOOL,
    "method_actions": MapOf({"action": TEXT, "code": INT, "data": TEXT, "headers": TEXT_MAP}),
}

TEMPLATE: Struct = {
    **ROUTE,
    "template_data": {
        "input_type": TEXT,
        "template_mode": TEXT,
        "enable_session": BOOL,
        "template_source": TEXT,
    },
}

HEADERS: Struct = {**ROUTE, "delete_headers": TEXTS, "add_headers": TEXT_MAP, "act_on": BOOL}

PATTERN: Struct = {"match_rx": TEXT, "reverse": BOOL}

TRIGGER: Struct = {
    "on": TEXT,
    "options": {
        "header_matches": MapOf(PATTERN),
        "query_val_matches": MapOf(PATTERN),
        "path_part_matches": MapOf(PATTERN),
        "session_meta_matches": MapOf(PATTERN),
        "request_context_matches": MapOf(PATTERN),
        "payload_matches": PATTERN,
    },
    "rewrite_to": TEXT,
}

EXTENDED_PATHS: Struct = {
    "ignored": ListOf(ENDPOINT),
    "white_list": ListOf(ENDPOINT),
    "black_list": ListOf(ENDPOINT),
    "cache": TEXTS,
    "advance_cache_config": ListOf({**ROUTE, "cache_key_regex": TEXT, "cache_response_codes": ListOf(INT)}),
    "transform": ListOf(TEMPLATE),
    "transform_response": ListOf(TEMPLATE),
    "transform_jq": ListOf({**ROUTE, "filter": TEXT}),
    "transform_jq_response": ListOf({**ROUTE, "filter": TEXT}),
    "transform_headers": ListOf(HEADERS),
    "transform_response_headers": ListOf(HEADERS),
    "hard_timeouts": ListOf({**ROUTE, "timeout": INT}),
    "circuit_breakers": ListOf({**ROUTE, "threshold_percent": REAL, "samples": INT, "return_to_service_after": INT}),
    "url_rewrites": ListOf(
        {**ROUTE, "match_pattern": TEXT, "rewrite_to": TEXT, "triggers": ListOf(TRIGGER)},
    ),
    "virtual": ListOf(
        {
            **ROUTE,
            "response_function_name": TEXT,
            "function_source_type": TEXT,
            "function_source_uri": TEXT,
            "use_session": BOOL,
            "proxy_on_error": BOOL,
        }
    ),
    "size_limits": ListOf({**ROUTE, "size_limit": INT}),
    "method_transforms": ListOf({**ROUTE, "to_method": TEXT}),
    "track_endpoints": ListOf(ROUTE),
    "do_not_track_endpoints": ListOf(ROUTE),
    "validate_json": ListOf({**ROUTE, "schema": OBJECT, "schema_b64": TEXT, "error_response_code": INT}),
    "internal": ListOf(ROUTE),
}

VERSION: Struct = {
    "name": TEXT,
    "expires": TEXT,
    "paths": {"ignored": TEXTS, "white_list": TEXTS, "black_list": TEXTS},
    "use_extended_paths": BOOL,
    "extended_paths": EXTENDED_PATHS,
    "global_headers": TEXT_MAP,
    "global_headers_remove": TEXTS,
    "global_response_headers": TEXT_MAP,
    "global_response_headers_remove": TEXTS,
    "ignore_endpoint_case": BOOL,
    "global_size_limit": INT,
    "override_target": TEXT,
}

PLUGIN: Struct = {"name": TEXT, "path": TEXT, "require_session": BOOL, "raw_body_only": BOOL}

CUSTOM_MIDDLEWARE: Struct = {
    "pre": ListOf(PLUGIN),
    "post": ListOf(PLUGIN),
    "post_key_auth": ListOf(PLUGIN),
    "auth_check": PLUGIN,
    "response": ListOf(PLUGIN),
    "driver": TEXT,
    "id_extractor": {"extract_from": TEXT, "extract_with": TEXT, "extractor_config": OBJECT},
}

UPTIME_TESTS: Struct = {
    "check_list": ListOf(
        {
            "url": TEXT,
            "protocol": TEXT,
            "timeout": INT,
            "enable_proxy_protocol": BOOL,
            "commands": ListOf({"name": TEXT, "message": TEXT}),
            "method": TEXT,
            "headers": TEXT_MAP,
            "body": TEXT,
        }
    ),
    "config": {"expire_utime_after": INT, "service_discovery": SERVICE_DISCOVERY, "recheck_wait": INT},
}

CACHE_OPTIONS: Struct = {
    "cache_timeout": INT,
    "enable_cache": BOOL,
    "cache_all_safe_requests": BOOL,
    "cache_response_codes": ListOf(INT),
    "enable_upstream_cache_control": BOOL,
    "cache_control_ttl_header": TEXT,
    "cache_by_headers": TEXTS,
}

CORS: Struct = {
    "enable": BOOL,
    "allowed_origins": TEXTS,
    "allowed_methods": TEXTS,
    "allowed_headers": TEXTS,
    "exposed_headers": TEXTS,
    "allow_credentials": BOOL,
    "max_age": INT,
    "options_passthrough": BOOL,
    "debug": BOOL,
}

GRAPHQL: Struct = {
    "enabled": BOOL,
    "execution_mode": TEXT,
    "schema": TEXT,
    "last_schema_update": TIME,
    "type_field_configurations": ListOf(
        {
            "type_name": TEXT,
            "field_name": TEXT,
            "mapping": {"disabled": BOOL, "path": TEXT},
            "data_source": {"kind": TEXT, "data_source_config": ANY},
        }
    ),
    "playground": {"enabled": BOOL, "path": TEXT},
}

BASIC_AUTH: Struct = {
    "disable_caching": BOOL,
    "cache_ttl": INT,
    "extract_from_body": BOOL,
    "body_user_regexp": TEXT,
    "body_password_regexp": TEXT,
}

REQUEST_SIGNING: Struct = {
    "is_enabled": BOOL,
    "secret": TEXT,
    "key_id": TEXT,
    "algorithm": TEXT,
    "header_list": TEXTS,
    "certificate_id": TEXT,
    "signature_header": TEXT,
}

PROVIDER: Struct = {"name": TEXT, "storage_engine": TEXT, "meta": OBJECT}

DEFINITION: Struct = {
    "id": TEXT,
    "name": TEXT,
    "slug": TEXT,
    "listen_port": INT,
    "protocol": TEXT,
    "enable_proxy_protocol": BOOL,
    "api_id": TEXT,
    "org_id": TEXT,
    "use_keyless": BOOL,
    "use_oauth2": BOOL,
    "use_openid": BOOL,
    "openid_options": {
        "providers": ListOf({"issuer": TEXT, "client_ids": TEXT_MAP}),
        "segregate_by_client": BOOL,
    },
    "oauth_meta": {
        "allowed_access_types": TEXTS,
        "allowed_authorize_types": TEXTS,
        "auth_login_redirect": TEXT,
    },
    "auth": AUTH,
    "auth_configs": MapOf(AUTH),
    "use_basic_auth": BOOL,
    "basic_auth": BASIC_AUTH,
    "use_mutual_tls_auth": BOOL,
    "client_certificates": TEXTS,
    "upstream_certificates": TEXT_MAP,
    "pinned_public_keys": TEXT_MAP,
    "enable_jwt": BOOL,
    "use_standard_auth": BOOL,
    "use_go_plugin_auth": BOOL,
    "enable_coprocess_auth": BOOL,
    "jwt_signing_method": TEXT,
    "jwt_source": TEXT,
    "jwt_identity_base_field": TEXT,
    "jwt_client_base_field": TEXT,
    "jwt_policy_field_name": TEXT,
    "jwt_default_policies": TEXTS,
    "jwt_issued_at_validation_skew": UINT,
    "jwt_expires_at_validation_skew": UINT,
    "jwt_not_before_validation_skew": UINT,
    "jwt_skip_kid": BOOL,
    "jwt_scope_to_policy_mapping": TEXT_MAP,
    "jwt_scope_claim_name": TEXT,
    "notifications": {"shared_secret": TEXT, "oauth_on_keychange_url": TEXT},
    "enable_signature_checking": BOOL,
    "hmac_allowed_clock_skew": REAL,
    "hmac_allowed_algorithms": TEXTS,
    "request_signing": REQUEST_SIGNING,
    "base_identity_provided_by": TEXT,
    "definition": {"location": TEXT, "key": TEXT, "strip_path": BOOL, "versions": TEXT_MAP},
    "version_data": {"not_versioned": BOOL, "default_version": TEXT, "versions": MapOf(VERSION)},
    "uptime_tests": UPTIME_TESTS,
    "proxy": PROXY,
    "disable_rate_limit": BOOL,
    "disable_quota": BOOL,
    "custom_middleware": CUSTOM_MIDDLEWARE,
    "custom_middleware_bundle": TEXT,
    "cache_options": CACHE_OPTIONS,
    "session_lifetime": INT,
    "active": BOOL,
    "internal": BOOL,
    "auth_provider": PROVIDER,
    "session_provider": PROVIDER,
    "event_handlers": {"events": MapOf(ListOf({"handler_name": TEXT, "handler_meta": OBJECT}))},
    "enable_batch_request_support": BOOL,
    "enable_ip_whitelisting": BOOL,
    "allowed_ips": TEXTS,
    "enable_ip_blacklisting": BOOL,
    "blacklisted_ips": TEXTS,
    "dont_set_quota_on_create": BOOL,
    "expire_analytics_after": INT,
    "response_processors": ListOf({"name": TEXT, "options": ANY}),
    "CORS": CORS,
    "domain": TEXT,
    "certificates": TEXTS,
    "do_not_track": BOOL,
    "tags": TEXTS,
    "enable_context_vars": BOOL,
    "config_data": OBJECT,
    "tag_headers": TEXTS,
    "global_rate_limit": {"rate": REAL, "per": REAL},
    "strip_auth_data": BOOL,
    "enable_detailed_recording": BOOL,
    "graphql": GRAPHQL,
    # Only newer gateways read these.
    "is_oas": BOOL,
    "tags_disabled": BOOL,
    "domain_disabled": BOOL,
    "expiration": TEXT,
    "detailed_tracing": BOOL,
    "custom_plugin_auth_enabled": BOOL,
    "idp_client_id_mapping_disabled": BOOL,
    "analytics_plugin": {"enable": BOOL, "plugin_path": TEXT, "func_name": TEXT},
}


def type_problems(value: object, kind: Kind = DEFINITION, path: Path = ()) -> Iterator[Problem]:
    if value is None and path:
        return
    if isinstance(kind, Scalar):
        if not kind.fits(value):
            yield wrong_type(path, kind.words, value)
    elif isinstance(kind, ListOf):
        yield from _list_problems(value, kind, path)
    elif not isinstance(value, dict):
        yield wrong_type(path, "an object", value)
    elif isinstance(kind, MapOf):
        for key, item in value.items():
            yield from type_problems(item, kind.item, (*path, key))
    else:
        yield from _struct_problems(value, kind, path)


def schema_of(kind: Kind) -> dict[str, object]:
    """Return the kind as a JSON schema. Null is everywhere as absent, and unknown fields are kept."""
    if isinstance(kind, Scalar):
        return {"type": [kind.type, "null"]} if kind.type else {}
    if isinstance(kind, ListOf):
        return {"type": ["array", "null"], "items": schema_of(kind.item)}
    if isinstance(kind, MapOf):
        return {"type": ["object", "null"], "additionalProperties": schema_of(kind.item)}
    return {"type": ["object", "null"], "properties": {name: schema_of(inner) for name, inner in kind.items()}}


def wrong_type(path: Path, words: str, value: object) -> Problem:
    return Problem(f"{dotted(path)} must be {words}, not {shorten(dumps(value), 40)}.", path)


def _list_problems(value: object, kind: ListOf, path: Path) -> Iterator[Problem]:
    if not isinstance(value, list):
        yield wrong_type(path, "a list", value)
        return
    for at, item in enumerate(value):
        yield from type_problems(item, kind.item, (*path, at))


def _struct_problems(value: Mapping[str, object], kind: Struct, path: Path) -> Iterator[Problem]:
    in_any_case = _folded(tuple(kind))
    for key, item in value.items():
        if key in kind:
            yield from type_problems(item, kind[key], (*path, key))
        elif known := in_any_case.get(key.casefold()):
            message = f"{dotted((*path, key))} must be written “{known}”: gateways read both as one."
            yield Problem(message, (*path, key))


@cache
def _folded(names: tuple[str, ...]) -> dict[str, str]:
    return {known.casefold(): known for known in names}

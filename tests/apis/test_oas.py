import json
from copy import deepcopy
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apis import oas, openapi, services, wire
from apis.definition import Authentication, DefinitionError, authentication_of, validate
from apis.models import Api, Certificate
from apis.oas import EXTENSION, Choices
from apis.openapi import OpenAPIError
from orgs import scope
from orgs.models import AuditEntry
from tests.apis.test_services import audited, definition
from tests.conftest import World, signed_in

PLAIN: dict[str, Any] = {
    "openapi": "3.0.3",
    "info": {"title": "Pets", "version": "1.0.0"},
    "servers": [{"url": "https://pets.example/v1"}],
    "security": [{"key": []}],
    "components": {"securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-Pet-Key"}}},
    "paths": {
        "/pets/{id}": {"get": {"operationId": "getPet", "responses": {"200": {"description": "One"}}}},
        "/pets/mine": {"get": {"operationId": "getMine", "responses": {"200": {"description": "Mine"}}}},
        "/pets": {
            "get": {"operationId": "listPets", "responses": {"200": {"description": "All"}}},
            "post": {
                "operationId": "addPet",
                "requestBody": {"content": {"application/json": {"schema": {"type": "object"}}}},
                "responses": {"201": {"description": "Made"}},
            },
        },
    },
}
GATEWAY: dict[str, Any] = {
    "info": {"name": "Pets", "state": {"active": True, "internal": False}},
    "server": {
        "listenPath": {"value": "/acme/pets/", "strip": True},
        "authentication": {
            "enabled": True,
            "securitySchemes": {"key": {"enabled": True, "header": {"enabled": True, "name": "X-Pet-Key"}}},
        },
    },
    "upstream": {"url": "https://pets.example/v1"},
}


def document(**parts: Any) -> dict[str, Any]:
    """Return the pets' document; a part named `server__customDomain` is set there in the extension."""
    made = deepcopy(PLAIN) | {EXTENSION: deepcopy(GATEWAY)}
    for place, value in parts.items():
        at: Any = made[EXTENSION]
        *path, last = place.split("__")
        for step in path:
            at = at.setdefault(step, {})
        at[last] = value
    return made


def operations(**of_operations: Any) -> dict[str, Any]:
    classic = oas.to_classic(document(middleware__operations=of_operations))
    paths: dict[str, Any] = classic["version_data"]["versions"][""]["extended_paths"]
    return paths


def refused(made: dict[str, Any], **walls: Any) -> list[str]:
    return [str(problem) for problem in oas.problems(made, **walls)]


def stored(api: Api) -> dict[str, Any]:
    text: dict[str, Any] = json.loads(Api.objects.get(pk=api.pk).openapi)
    return text


# What follows from a document


def test_the_classic_definition_follows_and_is_valid() -> None:
    classic = oas.to_classic(document())
    assert (classic["name"], classic["active"]) == ("Pets", True)
    assert classic["proxy"]["listen_path"] == "/acme/pets/"
    assert classic["proxy"]["strip_listen_path"] is True
    assert classic["proxy"]["target_url"] == "https://pets.example/v1"
    assert (classic["use_keyless"], classic["use_standard_auth"]) == (False, True)
    assert classic["auth_configs"]["authToken"] == {
        "name": "key", "disable_header": False, "auth_header_name": "X-Pet-Key",
    }  # fmt: skip
    assert classic["version_data"]["versions"][""]["use_extended_paths"] is True
    assert validate(classic) == []


def test_a_document_without_authentication_is_open() -> None:
    """So gateways read it."""
    made = document()
    del made[EXTENSION]["server"]["authentication"]
    assert oas.to_classic(made)["use_keyless"] is True


def test_authentication_without_a_known_scheme_asks_for_a_token() -> None:
    classic = oas.to_classic(document(server__authentication={"enabled": True}))
    assert (classic["use_keyless"], classic["use_standard_auth"]) == (False, True)


SCHEMES: list[tuple[dict[str, Any], dict[str, Any], Authentication, dict[str, Any]]] = [
    (
        {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
        {"source": "https://login.example/jwks", "signingMethod": "rsa", "identityBaseField": "sub", "skipKid": True,
         "defaultPolicies": ["5e9d9544a1dcd60001d0ed99"], "expiresAtValidationSkew": 5,
         "jwksURIs": [{"url": "https://login.example/keys", "cacheTimeout": "10s"}],
         "scopes": {"claimName": "scp", "scopeToPolicyMapping": [{"scope": "read", "policyId": "p1"}]}},
        Authentication.JWT,
        {"jwt_source": "https://login.example/jwks", "jwt_signing_method": "rsa", "jwt_identity_base_field": "sub",
         "jwt_skip_kid": True, "jwt_default_policies": ["5e9d9544a1dcd60001d0ed99"],
         "jwt_expires_at_validation_skew": 5,
         "jwt_jwks_uris": [{"url": "https://login.example/keys", "cache_timeout": "10s"}],
         "scopes": {"jwt": {"scope_claim_name": "scp", "scope_to_policy": {"read": "p1"}}}},
    ),
    (
        {"type": "http", "scheme": "basic"},
        {"disableCaching": True, "cacheTTL": 60,
         "extractCredentialsFromBody": {"enabled": True, "userRegexp": "u", "passwordRegexp": "p"}},
        Authentication.BASIC,
        {"basic_auth": {"disable_caching": True, "cache_ttl": 60, "extract_from_body": True, "body_user_regexp": "u",
                        "body_password_regexp": "p"}},
    ),
    (
        {"type": "oauth2", "flows": {"authorizationCode": {
            "authorizationUrl": "https://login.example/a", "tokenUrl": "https://login.example/t", "scopes": {}}}},
        {"allowedAuthorizeTypes": ["code"], "refreshToken": True, "authLoginRedirect": "https://login.example/",
         "notifications": {"sharedSecret": "s", "onKeyChangeUrl": "https://login.example/changed"}},
        Authentication.OAUTH2,
        {"oauth_meta": {"allowed_access_types": ["refresh_token", "authorization_code"],
                        "allowed_authorize_types": ["code"], "auth_login_redirect": "https://login.example/"},
         "notifications": {"shared_secret": "s", "oauth_on_keychange_url": "https://login.example/changed"}},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("scheme", "settings", "kind", "expected"), SCHEMES)
def test_schemes_of_the_document_become_switches(
    scheme: dict[str, Any], settings: dict[str, Any], kind: Authentication, expected: dict[str, Any]
) -> None:
    made = document(server__authentication={"enabled": True, "securitySchemes": {"key": {"enabled": True, **settings}}})
    made["components"]["securitySchemes"]["key"] = scheme
    classic = oas.to_classic(made)
    assert authentication_of(classic) is kind
    assert {field: classic[field] for field in expected} == expected
    assert (openapi.document_of(made, is_served=True).title, refused(made)) == ("Pets", [])


def test_kinds_that_openapi_has_no_scheme_for() -> None:
    hmac = {"enabled": True, "allowedAlgorithms": ["hmac-sha256"], "allowedClockSkew": 1000.5}
    oidc = {
        "enabled": True,
        "segregateByClientId": True,
        "providers": [
            {"issuer": "https://login.example", "clientToPolicyMapping": [{"clientId": "c", "policyId": "p"}]}
        ],
    }
    made = document(server__authentication={"enabled": True, "hmac": hmac, "oidc": oidc})
    classic = oas.to_classic(made)
    assert (classic["enable_signature_checking"], classic["hmac_allowed_clock_skew"]) == (True, 1000.5)
    assert classic["openid_options"] == {
        "segregate_by_client": True,
        "providers": [{"issuer": "https://login.example", "client_ids": {"c": "p"}}],
    }
    assert "use_standard_auth" not in classic


def test_only_the_first_requirement_counts_unless_all_shall() -> None:
    made = document()
    made["components"]["securitySchemes"]["basic"] = {"type": "http", "scheme": "basic"}
    made["security"] = [{"key": []}, {"basic": []}]
    authentication = made[EXTENSION]["server"]["authentication"]
    authentication["securitySchemes"]["basic"] = {"enabled": True}
    classic = oas.to_classic(made)
    assert ("use_basic_auth" in classic, classic["security_requirements"]) == (False, [["key"], ["basic"]])
    authentication["securityProcessingMode"] = "compliant"
    classic = oas.to_classic(made)
    assert (classic["use_basic_auth"], classic["use_standard_auth"]) == (True, True)


def test_a_scheme_that_the_extension_joins_with_another_kind_is_not_enough_alone() -> None:
    made = document(server__authentication__securityProcessingMode="compliant")
    made[EXTENSION]["server"]["authentication"] |= {"hmac": {"enabled": True}, "security": [["hmac", "key"]]}
    made["components"]["securitySchemes"]["basic"] = {"type": "http", "scheme": "basic"}
    made["security"] = [{"key": []}, {"basic": []}]
    classic = oas.to_classic(made)
    assert classic["security_requirements"] == [["basic"], ["hmac", "key"]]
    assert classic["security_requirement_scopes"] == [{"basic": []}, {}]


def test_a_key_that_is_switched_off_still_says_where_it_stands() -> None:
    """Gateways fall back to a key in that place."""
    classic = oas.to_classic(document(server__authentication={"enabled": True}))
    assert classic["auth_configs"]["authToken"]["auth_header_name"] == "X-Pet-Key"


def test_the_server_part_becomes_fields() -> None:
    made = document(
        info__versioning={
            "enabled": True,
            "name": "v1",
            "default": "self",
            "location": "header",
            "key": "x-version",
            "versions": [{"name": "v2", "id": "pets-2"}],
            "fallbackToDefault": True,
        },
        server__customDomain={"enabled": True, "name": "pets.example", "certificates": []},
        server__gatewayTags={"enabled": True, "tags": ["eu", "pets"]},
        server__clientCertificates={"enabled": True, "allowlist": []},
        server__detailedActivityLogs={"enabled": True},
        server__ipAccessControl={"enabled": True, "allow": ["192.0.2.1"], "block": []},
        server__eventHandlers=[
            {
                "enabled": True,
                "trigger": "QuotaExceeded",
                "type": "webhook",
                "name": "n",
                "url": "https://hooks.example/",
                "method": "POST",
                "cooldownPeriod": "1m30s",
                "headers": [{"name": "X-A", "value": "b"}],
            },
            {"enabled": False, "trigger": "QuotaExceeded", "type": "log", "logPrefix": "off"},
        ],
    )
    classic = oas.to_classic(made)
    assert classic["definition"] == {
        "enabled": True, "name": "v1", "default": "self", "location": "header", "key": "x-version",
        "fallback_to_default": True, "versions": {"v2": "pets-2"},
    }  # fmt: skip
    assert (classic["domain"], classic["tags"], classic["use_mutual_tls_auth"]) == (
        "pets.example",
        ["eu", "pets"],
        True,
    )
    assert (classic["enable_detailed_recording"], classic["enable_ip_whitelisting"]) == (True, True)
    assert (classic["allowed_ips"], classic["enable_ip_blacklisting"]) == (["192.0.2.1"], False)
    assert classic["event_handlers"]["events"] == {
        "QuotaExceeded": [
            {
                "handler_name": "eh_web_hook_handler",
                "handler_meta": {
                    "name": "n", "method": "POST", "target_path": "https://hooks.example/",
                    "header_map": {"X-A": "b"}, "event_timeout": 90,
                },
            }
        ]
    }  # fmt: skip
    assert refused(made) == []


def test_the_upstream_part_becomes_fields() -> None:
    made = document(
        upstream={
            "url": "https://pets.example",
            "rateLimit": {"enabled": True, "rate": 10, "per": "1m"},
            "loadBalancing": {
                "enabled": True,
                "skipUnavailableHosts": True,
                "targets": [{"url": "https://a.example", "weight": 2}, {"url": "https://b.example", "weight": 0}],
            },
            "serviceDiscovery": {
                "enabled": True,
                "queryEndpoint": "https://consul.example/pets",
                "dataPath": "Address",
                "cache": {"enabled": True, "timeout": 30},
            },
            "tlsTransport": {"minVersion": "1.2", "insecureSkipVerify": True},
            "proxy": {"enabled": True, "url": "http://egress.example:3128"},
            "preserveHostHeader": {"enabled": True},
            "enforceTimeout": {"enabled": True, "duration": "2s"},
            "uptimeTests": {
                "enabled": True,
                "tests": [{"url": "https://pets.example/up", "timeout": "500ms", "method": "GET"}],
                "hostDownRetestPeriod": "12s",
            },
            "authentication": {
                "enabled": True,
                "basicAuth": {"enabled": True, "username": "u", "password": "p", "header": {"enabled": True}},
            },
        }
    )
    classic = oas.to_classic(made)
    proxy = classic["proxy"]
    assert classic["global_rate_limit"] == {"rate": 10, "per": 60}
    assert (proxy["target_list"], proxy["enable_load_balancing"]) == (["https://a.example", "https://a.example"], True)
    assert proxy["service_discovery"] == {
        "use_discovery_service": True, "query_endpoint": "https://consul.example/pets", "data_path": "Address",
        "cache_timeout": 30, "cache_disabled": False,
    }  # fmt: skip
    assert (proxy["transport"]["ssl_min_version"], proxy["transport"]["proxy_url"]) == (
        771,
        "http://egress.example:3128",
    )
    assert proxy["preserve_host_header"] is True
    assert classic["version_data"]["versions"][""]["global_enforce_timeout"] == "2s"
    assert classic["uptime_tests"]["check_list"][0]["timeout"] == 500_000_000
    assert classic["uptime_tests"]["config"]["recheck_wait"] == 12
    assert classic["upstream_auth"]["basic_auth"]["username"] == "u"
    assert refused(made) == []


def test_global_middleware_becomes_fields() -> None:
    made = document(
        middleware={
            "global": {
                "cors": {"enabled": True, "allowedOrigins": ["*"], "maxAge": 60},
                "cache": {"enabled": True, "timeout": 5, "controlTTLHeaderName": "x-ttl", "cacheResponseCodes": [200]},
                "transformRequestHeaders": {
                    "enabled": True,
                    "add": [{"name": "X-A", "value": "b"}],
                    "remove": ["X-B"],
                },
                "contextVariables": {"enabled": True},
                "trafficLogs": {"enabled": True, "tagHeaders": ["X-Pet"], "customRetentionPeriod": "24h"},
                "requestSizeLimit": {"enabled": True, "value": 1000},
                "ignoreCase": {"enabled": True},
                "pluginConfig": {"data": {"enabled": True, "value": {"a": 1}}},
                "skipRateLimit": True,
            }
        }
    )
    classic = oas.to_classic(made)
    version = classic["version_data"]["versions"][""]
    assert classic["CORS"] == {"enable": True, "allowed_origins": ["*"], "max_age": 60}
    assert classic["cache_options"] == {
        "enable_cache": True, "cache_timeout": 5, "cache_control_ttl_header": "x-ttl", "cache_response_codes": [200],
    }  # fmt: skip
    assert (version["global_headers"], version["global_headers_remove"]) == ({"X-A": "b"}, ["X-B"])
    assert (version["global_size_limit"], version["ignore_endpoint_case"]) == (1000, True)
    assert (classic["enable_context_vars"], classic["do_not_track"], classic["tag_headers"]) == (True, False, ["X-Pet"])
    assert (classic["expire_analytics_after"], classic["config_data"]) == (86400, {"a": 1})
    assert classic["disable_rate_limit"] is True
    assert refused(made) == []


def test_middleware_of_operations_becomes_paths() -> None:
    rules = [
        {"in": "header", "name": "X-Ring", "pattern": "beta"},
        {"in": "requestBody", "pattern": "x", "negate": True},
    ]
    paths = operations(
        getPet={
            "allow": {"enabled": True, "ignoreCase": True},
            "ignoreAuthentication": {"enabled": True},
            "block": {"enabled": False},
            "transformRequestMethod": {"enabled": True, "toMethod": "POST"},
            "transformResponseBody": {"enabled": True, "format": "json", "body": "e30="},
            "transformResponseHeaders": {"enabled": True, "remove": ["Server"]},
            "urlRewrite": {
                "enabled": True,
                "pattern": "/pets/(.*)",
                "rewriteTo": "/v2/$1",
                "triggers": [{"condition": "any", "rules": rules, "rewriteTo": "/beta"}],
            },
            "cache": {"enabled": True, "cacheByRegex": "x", "timeout": 5},
            "enforceTimeout": {"enabled": True, "duration": "1500ms"},
            "circuitBreaker": {"enabled": True, "threshold": 0.5, "sampleSize": 10, "coolDownPeriod": 60},
            "requestSizeLimit": {"enabled": True, "value": 9},
            "rateLimit": {"enabled": True, "rate": 5, "per": "10s"},
            "trackEndpoint": {"enabled": True},
        },
        nobody={"allow": {"enabled": True}},
    )
    route = {"path": "/pets/{id}", "method": "GET"}
    pattern = {"match_rx": "beta", "reverse": False}
    assert paths == {
        "white_list": [route | {"ignore_case": True}],
        "ignored": [route],
        "method_transforms": [route | {"to_method": "POST"}],
        "transform_response": [
            route
            | {
                "template_data": {
                    "input_type": "json", "template_mode": "blob", "enable_session": True, "template_source": "e30=",
                }
            }
        ],
        "transform_response_headers": [route | {"delete_headers": ["Server"], "add_headers": {}}],
        "url_rewrites": [
            route
            | {
                "match_pattern": "/pets/(.*)",
                "rewrite_to": "/v2/$1",
                "triggers": [
                    {
                        "on": "any",
                        "rewrite_to": "/beta",
                        "options": {
                            "header_matches": {"X-Ring": pattern},
                            "payload_matches": {"match_rx": "x", "reverse": True},
                        },
                    }
                ],
            }
        ],
        "advance_cache_config": [route | {"timeout": 5, "cache_key_regex": "x"}],
        "hard_timeouts": [route | {"timeout": 2, "duration": "1500ms"}],
        "circuit_breakers": [
            route
            | {
                "threshold_percent": 0.5, "samples": 10, "return_to_service_after": 60,
                "disable_half_open_state": True,
            }
        ],
        "size_limits": [route | {"size_limit": 9}],
        "rate_limit": [route | {"rate": 5, "per": 10}],
        "track_endpoints": [route],
    }  # fmt: skip


def test_paths_stand_in_the_order_in_which_gateways_match_them() -> None:
    allow = {"allow": {"enabled": True}}
    paths = operations(listPets=allow, getPet=allow, getMine=allow)
    assert [entry["path"] for entry in paths["white_list"]] == ["/pets/mine", "/pets/{id}", "/pets"]


def test_what_is_switched_off_is_left_out() -> None:
    off = {"enabled": False}
    classic = oas.to_classic(
        document(
            server__customDomain=off | {"name": "pets.example"},
            server__gatewayTags=off | {"tags": ["eu"]},
            upstream__rateLimit=off | {"rate": 1, "per": "1s"},
            middleware__global={"cors": off | {"allowedOrigins": ["*"]}},
        )
    )
    assert {"domain", "tags", "global_rate_limit", "CORS"} & classic.keys() == set()
    assert classic["do_not_track"] is True


# What is refused


WRONG: list[tuple[str, Any, str]] = [
    ("server__listenPath__value", 5, "server.listenPath.value must be a text, not 5."),
    ("info__state__active", "yes", 'info.state.active must be true or false, not "yes".'),
    ("upstream__rateLimit", {"per": 60}, "upstream.rateLimit.per must be a duration such as 1m30s, not 60."),
    ("middleware__operations", {"getPet": None}, "middleware.operations.getPet must not be null."),
    ("server__gatewayTags", {"tags": ["a", None]}, "server.gatewayTags.tags.1 must not be null."),
    ("Server", {}, "Server must be written “server”: gateways read both as one."),
    ("server__listenPath__value", "pets", "server.listenPath.value must begin with “/”."),
    (
        "upstream__url",
        "ftp://pets.example",
        "upstream.url must be an absolute address with a host, beginning with http, https, ws, wss or h2c://.",
    ),
    ("info__name", "", "info.name must have 1 to 200 characters."),
    (
        "upstream__url",
        "http://169.254.169.254/",
        "upstream.url must not be a link-local or metadata address (169.254.169.254).",
    ),
    (
        "server__authentication__securitySchemes",
        {"key": {"jwksURIs": [{"url": "http://localhost/keys"}]}},
        "server.authentication.securitySchemes.key.jwksURIs.0.url must not be the gateway's own machine (localhost).",
    ),
    (
        "middleware__global",
        {"prePlugins": [{"enabled": True, "functionName": "f", "path": "/plugins/f.js"}]},
        "middleware.global.prePlugins must be empty: it names code or files on gateways that others share.",
    ),
    (
        "middleware__operations",
        {"getPet": {"virtualEndpoint": {"enabled": False, "functionName": "f", "body": "x"}}},
        "middleware.operations.getPet.virtualEndpoint must be empty: "
        "it names code or files on gateways that others share.",
    ),
    (
        "middleware__operations",
        {"getPet": {"transformRequestBody": {"enabled": True, "path": "/etc/passwd"}}},
        "middleware.operations.getPet.transformRequestBody.path must be empty: "
        "it names code or files on gateways that others share.",
    ),
    (
        "server__eventHandlers",
        [{"enabled": True, "type": "custom", "functionName": "f", "path": "p"}],
        "server.eventHandlers.0.type must not be “custom”: it names code on gateways.",
    ),
    (
        "upstream__loadBalancing",
        {"enabled": True, "targets": [{"url": "https://a.example", "weight": 10**9}]},
        "upstream.loadBalancing.targets must have weights from 0, 1,000 in all at most.",
    ),
    (
        "server__clientCertificates",
        {"enabled": False, "allowlist": ["b" * 24 + "f" * 64]},
        "server.clientCertificates.allowlist.0 must be the id of a certificate of this organisation.",
    ),
    (
        "upstream__mutualTLS",
        {"enabled": False, "domainToCertificateMapping": [{"domain": "*", "certificate": "/etc/tls.pem"}]},
        "upstream.mutualTLS.domainToCertificateMapping.0.certificate "
        "must be the id of a certificate of this organisation.",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("place", "value", "sentence"), WRONG)
def test_the_extension_is_refused_with_its_path(place: str, value: Any, sentence: str) -> None:
    assert refused(document(**{place: value}), org_id="a" * 24) == [f"{EXTENSION}.{sentence}"]


@pytest.mark.parametrize("secret", ["env://SECRET", "x $secret_vault.a.b", "vault://engine/path", "kv://a"])
def test_no_text_anywhere_names_a_secret_of_the_gateway(secret: str) -> None:
    made = document()
    made["paths"]["/pets"]["get"]["description"] = secret
    assert [said.split(" must")[0] for said in refused(made)] == ["paths./pets.get.description"]


def test_no_rewriting_leads_to_another_api() -> None:
    rewrite = {"getPet": {"urlRewrite": {"enabled": False, "rewriteTo": "tyk://orders/x"}}}
    assert refused(document(middleware__operations=rewrite)) == [
        f"{EXTENSION}.middleware.operations.getPet.urlRewrite.rewriteTo must not name another API by tyk:// "
        "(only tyk://self)."
    ]


def test_streams_are_refused() -> None:
    made = document() | {"x-tyk-streaming": {"streams": {"a": {"input": {"file": {"paths": ["/etc/passwd"]}}}}}}
    assert refused(made) == ["x-tyk-streaming must be empty: streams read and run what they name on gateways."]


def test_the_servers_of_the_document_may_be_anywhere() -> None:
    """No gateway calls them."""
    made = document()
    made["servers"] = [{"url": "http://localhost:8080"}]
    assert refused(made) == []


@pytest.mark.parametrize(
    ("keyword", "value"),
    [("minLength", "5"), ("maxItems", 5.0), ("title", 1), ("properties", {"a": {"pattern": 1}}), ("required", "a")],
)
def test_a_wrong_type_in_a_schema_is_refused_in_what_is_served(keyword: str, value: Any) -> None:
    for version in ("3.0.3", "3.1.0"):
        made = document() | {"openapi": version}
        made["components"]["schemas"] = {"Pet": {"type": "object", keyword: value}}
        with pytest.raises(OpenAPIError, match="At /components/schemas/Pet"):
            openapi.document_of(made, is_served=True)


def test_gateways_take_no_truth_value_for_a_schema() -> None:
    made = document() | {"openapi": "3.1.0"}
    made["components"]["schemas"] = {"Pet": {"additionalProperties": False, "items": True}}
    with pytest.raises(OpenAPIError, match="At /components/schemas/Pet/items"):
        openapi.document_of(made, is_served=True)
    assert openapi.document_of(made).title == "Pets"


# Stored


def test_create_oas_api_keeps_the_document_whole(in_acme: World) -> None:
    sent = document(info__dbId="0123456789abcdef01234567", info__id="pets-1", info__orgId=in_acme.globex.id)
    sent |= {"x-own": {"kept": [1, None, "ü"]}, "tags": [{"name": "pets"}]}
    api = services.create_oas_api(document=sent)
    info = {"id": "pets-1", "dbId": "0123456789abcdef01234567", "orgId": in_acme.acme.id}
    assert (api.id, api.api_id, api.is_oas, api.authentication) == (info["dbId"], "pets-1", True, "token")
    expected = deepcopy(sent)
    expected[EXTENSION]["info"] |= info
    assert stored(api) == expected
    assert list(stored(api)) == list(sent)
    classic = json.loads(api.definition)
    assert (classic["is_oas"], classic["id"], classic["api_id"], classic["org_id"]) == (
        True, info["dbId"], "pets-1", in_acme.acme.id,
    )  # fmt: skip
    assert audited() == [("created", "Pets", {})]


def test_create_oas_api_refuses_a_document_that_is_not_openapi(in_acme: World) -> None:
    with pytest.raises(OpenAPIError, match="info"):
        services.create_oas_api(document={"openapi": "3.0.3", "paths": {}, EXTENSION: GATEWAY})
    with pytest.raises(DefinitionError, match="must be an object"):
        services.create_oas_api(document=deepcopy(PLAIN))
    assert not Api.objects.exists()


def test_create_oas_api_takes_only_certificates_that_are_there(in_acme: World) -> None:
    id = in_acme.acme.id + "f" * 64
    made = document(server__customDomain={"enabled": True, "name": "pets.example", "certificates": [id]})
    with pytest.raises(DefinitionError, match="must be the id of a certificate of this organisation"):
        services.create_oas_api(document=made)
    Certificate.objects.create(fingerprint="f" * 64, pem="")
    assert services.create_oas_api(document=made).domain == "pets.example"


def test_a_version_may_only_be_an_api_of_the_organisation(world: World) -> None:
    with scope.opened(scope.of(world.globex.id)):
        services.create_api(definition=definition(listen_path="/globex/") | {"api_id": "theirs"})
    with scope.opened(scope.of(world.acme.id)):
        own = services.create_api(definition=definition())
        versioning = {"enabled": True, "location": "header", "key": "v"}
        for foreign in ("theirs", "never-was"):
            made = document(info__versioning=versioning | {"versions": [{"name": "v2", "id": foreign}]})
            with pytest.raises(DefinitionError) as refusal:
                services.create_oas_api(document=made)
            assert str(refusal.value) == (
                f"{EXTENSION}.info.versioning.versions.v2 must be the API ID of an API of this organisation."
            )
        made = document(info__versioning=versioning | {"versions": [{"name": "v2", "id": own.api_id}]})
        assert services.create_oas_api(document=made).is_oas


def test_update_oas_api_replaces_the_document_and_says_what_changed(in_acme: World) -> None:
    api = services.create_oas_api(document=document())
    changed = document(info__name="Animals", info__id="other", server__gatewayTags={"enabled": True, "tags": ["eu"]})
    changed["info"]["version"] = "2.0.0"
    saved = services.update_oas_api(api=api, document=changed, revision=1)
    assert (saved.name, saved.tags, saved.revision, saved.api_id) == ("Animals", ["eu"], 2, "other")
    assert stored(api)["info"]["version"] == "2.0.0"
    assert stored(api)[EXTENSION]["info"]["id"] == "other"
    assert audited()[1] == (
        "changed",
        "Animals",
        {
            "name": ["Pets", "Animals"],
            "tags": [[], ["eu"]],
            "api_id": [api.api_id, "other"],
            "openapi": ["…", "…"],
        },
    )
    with pytest.raises(services.ChangedMeanwhile):
        services.update_oas_api(api=api, document=changed, revision=1)


def test_each_form_is_changed_in_its_own_way(in_acme: World) -> None:
    pets, orders = services.create_oas_api(document=document()), services.create_api(definition=definition())
    with pytest.raises(services.OtherKind, match="“Pets” is described by its OpenAPI document: change that"):
        services.update_api(api=pets, definition=definition(), revision=1)
    with pytest.raises(services.OtherKind, match="“Orders” is a classic definition: change that"):
        services.update_oas_api(api=orders, document=document(), revision=1)
    assert list(Api.objects.values_list("revision", flat=True)) == [1, 1]


def test_set_active_changes_the_document_too(in_acme: World) -> None:
    api = services.create_oas_api(document=document())
    off = services.set_active(api=api, is_active=False)
    assert (off.is_active, off.is_oas, stored(api)[EXTENSION]["info"]["state"]["active"]) == (False, True, False)
    on = services.set_active(api=api, is_active=True)
    assert (on.is_active, stored(api)[EXTENSION]["info"]["state"]) == (True, {"active": True, "internal": False})


def test_import_oas_makes_the_extension(in_acme: World) -> None:
    api = services.import_oas(document=deepcopy(PLAIN), choices=Choices())
    gateway = stored(api)[EXTENSION]
    assert (api.listen_path, api.target_url, api.is_active) == ("/acme/pets/", "https://pets.example/v1", True)
    assert gateway["server"]["authentication"]["securitySchemes"] == {
        "key": {"header": {"enabled": True, "name": "X-Pet-Key"}, "enabled": True}
    }
    assert oas.without_extension(stored(api)) == PLAIN


def test_import_oas_asks_for_a_key_where_the_document_asks_for_nothing(in_acme: World) -> None:
    bare = {"openapi": "3.1.0", "info": {"title": "Bare", "version": "1"}, "paths": {}}
    api = services.import_oas(document=bare, choices=Choices())
    assert (api.authentication, api.is_active, services.has_target(api)) == ("token", False, False)
    chosen = Choices(authentication=False, listen_path="/open/", upstream_url="https://open.example", api_id="open-1")
    opened = services.import_oas(document=bare, choices=chosen)
    assert (opened.authentication, opened.is_active) == ("keyless", True)
    assert (opened.listen_path, opened.target_url, opened.api_id) == ("/open/", "https://open.example", "open-1")


def test_import_oas_switches_middleware_on_for_operations(in_acme: World) -> None:
    sent = deepcopy(PLAIN)
    del sent["paths"]["/pets"]["get"]["operationId"]
    choices = Choices(allow_list=True, validate_request=True, custom_domain="pets.example")
    api = services.import_oas(document=sent, choices=choices)
    made = stored(api)[EXTENSION]["middleware"]["operations"]
    assert made["petsGET"] == {"allow": {"enabled": True}}
    assert made["addPet"] == {
        "allow": {"enabled": True}, "validateRequest": {"enabled": True, "errorResponseCode": 422},
    }  # fmt: skip
    assert api.domain == "pets.example"


def test_import_oas_refuses_an_extension_of_the_wrong_shape(in_acme: World) -> None:
    with pytest.raises(DefinitionError, match=r"x-tyk-api-gateway\.server must be an object"):
        services.import_oas(document=document() | {EXTENSION: {"server": []}}, choices=Choices())


def test_patch_oas_api_keeps_the_extension(in_acme: World) -> None:
    api = services.create_oas_api(document=document(server__detailedActivityLogs={"enabled": True}))
    patch = deepcopy(PLAIN)
    patch["info"]["title"] = "Animals"
    services.patch_oas_api(api=api, document=patch, revision=1, choices=Choices())
    kept = stored(api)
    assert (kept["info"]["title"], kept[EXTENSION]["info"]["name"]) == ("Animals", "Pets")
    assert kept[EXTENSION]["server"]["detailedActivityLogs"] == {"enabled": True}
    services.patch_oas_api(api=api, document=patch, revision=2, choices=Choices(listen_path="/acme/animals/"))
    assert Api.objects.get().listen_path == "/acme/animals/"


def test_an_imported_file_with_the_extension_becomes_an_openapi_api(in_acme: World) -> None:
    api = services.import_text(json.dumps(document()))
    assert (api.is_oas, api.listen_path) == (True, "/acme/pets/")
    with pytest.raises(services.ListenPathTaken, match="“Pets” listens there already"):
        services.import_text(json.dumps(document()))


# On the wire


def test_the_wrapper_is_composed_around_what_is_stored(in_acme: World) -> None:
    plain = services.create_api(definition=definition(), openapi_text='{"openapi":"3.0.0"}', categories=["shop"])
    pets = services.create_oas_api(document=document(), user_ids=[in_acme.ann.pk])
    rows = Api.objects.order_by("created_at").values_list(*wire.FIELDS)
    wrappers = [json.loads(wire.wrapper_text(*row)) for row in rows]
    assert list(wrappers[1]) == [
        *("api_definition", "oas", "hook_references", "is_site", "sort_by", "user_owners", "user_group_owners"),
        *("categories", "created_at", "updated_at"),
    ]
    assert "oas" not in wrappers[0]
    assert (wrappers[0]["api_definition"], wrappers[0]["categories"]) == (json.loads(plain.definition), ["shop"])
    assert (wrappers[1]["oas"], wrappers[1]["user_owners"]) == (stored(pets), [in_acme.ann.pk])
    assert wrappers[0]["created_at"] == wire.moment(Api.objects.get(pk=plain.pk).created_at)
    assert wrappers[0]["created_at"].endswith("Z")


@pytest.mark.parametrize("number", [1, 3])
def test_wrappers_of_a_list_take_one_query(in_acme: World, number: int) -> None:
    for at in range(number):
        services.create_oas_api(document=document(server__listenPath__value=f"/acme/{at}/"))
    with CaptureQueriesContext(connection) as queries:
        assert len([wire.wrapper_text(*row) for row in Api.objects.values_list(*wire.FIELDS)]) == number
    assert len(queries) == 1


def test_unwrap_body_takes_the_wrapper_and_the_bare_definition() -> None:
    assert wire.unwrap_body({"name": "Bare"}) == wire.Body({"name": "Bare"})
    sent = {"api_definition": {"name": "In"}, "user_owners": ["u"], "user_group_owners": [], "categories": None}
    body = wire.unwrap_body(sent | {"hook_references": [{"event_name": "x"}], "sort_by": 0})
    assert body.definition == {"name": "In"}
    assert body.settings == {"user_ids": ["u"], "group_ids": [], "hook_references": [{"event_name": "x"}]}


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"api_definition": None}, "api_definition"),
        ({"api_definition": {}, "categories": "shop"}, "categories"),
        ({"api_definition": {}, "user_owners": ["a", 1]}, "user_owners.1"),
        ({"api_definition": {}, "hook_references": {}}, "hook_references"),
    ],
)
def test_unwrap_body_names_what_has_the_wrong_type(body: dict[str, Any], place: str) -> None:
    with pytest.raises(DefinitionError) as refusal:
        wire.unwrap_body(body)
    assert [problem.place for problem in refusal.value.problems] == [place]


# Pages


def made(world: World) -> Api:
    with scope.opened(scope.of(world.acme.id)):
        return services.create_oas_api(document=document())


def test_the_pages_say_that_it_is_a_document(world: World) -> None:
    api, ann = made(world), signed_in(world.ann)
    for path in ("", "definition/", "openapi/", "openapi/edit/", "openapi.json", "definition.json", "delete/"):
        assert ann.get(f"/apis/{api.pk}/{path}").status_code == 200, path
    assert "state-openapi" in ann.get(f"/apis/{api.pk}/").content.decode()
    assert "definition/edit/" not in ann.get(f"/apis/{api.pk}/definition/").content.decode()
    for path in ("edit/", "definition/edit/"):
        assert ann.get(f"/apis/{api.pk}/{path}")["Location"].endswith(f"/apis/{api.pk}/openapi/edit/")


def test_the_document_is_edited_as_json(world: World) -> None:
    api, ann = made(world), signed_in(world.ann)
    typed = document(info__name="Animals")
    answer = ann.post(f"/apis/{api.pk}/openapi/edit/", {"document": json.dumps(typed), "revision": "1"})
    assert answer.status_code == 302
    with scope.opened(scope.of(world.acme.id)):
        assert (Api.objects.get().name, Api.objects.get().revision) == ("Animals", 2)


def test_the_editor_marks_the_line(world: World) -> None:
    api, ann = made(world), signed_in(world.ann)
    text = json.dumps(document(server__listenPath__strip="yes"), indent=1)
    line = text.splitlines().index('    "strip": "yes"') + 1
    page = ann.post(f"/apis/{api.pk}/openapi/edit/", {"document": text, "revision": "1"}).content.decode()
    assert f"Line {line}: x-tyk-api-gateway.server.listenPath.strip must be true or false" in page
    assert f'data-error-line="{line}"' in page


def test_the_editor_refuses_other_ids_and_other_than_json(world: World) -> None:
    api, ann = made(world), signed_in(world.ann)
    for text, said in (
        (json.dumps(document(info__id="other")), "x-tyk-api-gateway.info.id cannot be changed"),
        ("openapi: 3.0.3", "The document must be a JSON object"),
        ('{"openapi": "2.0"}', "OpenAPI 3.0.x and 3.1.x can be imported"),
    ):
        page = ann.post(f"/apis/{api.pk}/openapi/edit/", {"document": text, "revision": "1"}).content.decode()
        assert said in page


def test_the_editor_tells_the_second_of_two(world: World) -> None:
    api, ann = made(world), signed_in(world.ann)
    path = f"/apis/{api.pk}/openapi/edit/"
    ann.post(path, {"document": json.dumps(document(info__name="First")), "revision": "1"})
    page = ann.post(path, {"document": json.dumps(document(info__name="Second")), "revision": "1"})
    text = page.content.decode()
    assert (page.status_code, "First" in text, "Second" in text) == (200, True, True)
    assert "What is saved now" in text
    assert 'name="revision" value="2"' in text
    with scope.opened(scope.of(world.acme.id)):
        assert Api.objects.get().name == "First"


def test_the_editor_is_for_writers_of_the_organisation(world: World) -> None:
    api = made(world)
    path = f"/apis/{api.pk}/openapi/edit/"
    sent = {"document": json.dumps(document(info__name="Stolen")), "revision": "1"}
    assert signed_in(world.gus).post(path, sent).status_code == 404
    assert signed_in(world.al).post(path, sent).status_code == 403
    with scope.opened(scope.of(world.acme.id)):
        assert Api.objects.get().name == "Pets"
        assert AuditEntry.objects.filter(kind="apis").count() == 1


def test_a_classic_api_has_no_document_to_edit(world: World) -> None:
    with scope.opened(scope.of(world.acme.id)):
        api = services.create_api(definition=definition())
    answer = signed_in(world.ann).get(f"/apis/{api.pk}/openapi/edit/")
    assert answer["Location"].endswith(f"/apis/{api.pk}/edit/")

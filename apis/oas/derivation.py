"""The classic definition that follows from a document.

Gateways get both: they serve by the classic one, and read from the document what has no counterpart there, as mock
answers and the validation of requests. This follows their own derivation (ExtractTo in apidef/oas), but for one thing:
what the document switches off is left out, since older gateways know no switch for it.
"""

from apis.oas import security
from apis.oas.fields import EXTENSION
from apis.oas.parts import Part, named, nanoseconds, on, pairs, part, same, seconds
from apis.oas.paths import extended_paths
from apis.rules import RawDefinition, get

TLS = {"1.0": 769, "1.1": 770, "1.2": 771, "1.3": 772}
IDS = {"id": "dbId", "api_id": "id", "org_id": "orgId"}


def to_classic(document: Part) -> RawDefinition:
    """Derive the definition, with the ids that the document has. Its types must have been checked."""
    extension = part(document, EXTENSION)
    shared = part(extension, "middleware", "global")
    classic = {
        **_info(part(extension, "info")),
        **_server(part(extension, "server")),
        **security.to_classic(document),
        **_upstream(part(extension, "upstream")),
        **_global(shared),
        "proxy": _proxy(part(extension, "server"), part(extension, "upstream")),
        "version_data": {"not_versioned": True, "versions": {"": _version(document, extension, shared)}},
    }
    return {field: value for field, value in classic.items() if value not in (None, "", [], {})}


def _info(info: Part) -> Part:
    versioning = on(info, "versioning")
    return {
        **{field: info.get(ours) or "" for field, ours in IDS.items()},
        **same(info, "name", "expiration"),
        "slug": "",
        "active": bool(get(info, "state", "active")),
        "internal": bool(get(info, "state", "internal")),
        "definition": {
            **same(versioning, "enabled", "name", "default", "location", "key"),
            **same(versioning, "stripVersioningData", "urlVersioningPattern", "fallbackToDefault"),
            **({"versions": pairs(versioning.get("versions"), "name", "id")} if versioning else {}),
        },
    }


def _server(server: Part) -> Part:
    domain, access = on(server, "customDomain"), on(server, "ipAccessControl")
    certificates = on(server, "clientCertificates")
    return {
        "protocol": server.get("protocol"),
        "listen_port": server.get("port"),
        "domain": domain.get("name"),
        "certificates": domain.get("certificates"),
        "tags": on(server, "gatewayTags").get("tags") or [],
        "use_mutual_tls_auth": bool(certificates),
        "client_certificates": certificates.get("allowlist"),
        "enable_detailed_recording": bool(on(server, "detailedActivityLogs")),
        "detailed_tracing": bool(on(server, "detailedTracing")),
        "enable_batch_request_support": bool(on(server, "batchProcessing")),
        "enable_ip_whitelisting": bool(access.get("allow")),
        "allowed_ips": access.get("allow"),
        "enable_ip_blacklisting": bool(access.get("block")),
        "blacklisted_ips": access.get("block"),
        "event_handlers": _events(server.get("eventHandlers") or []),
    }


def _events(handlers: list[Part]) -> Part:
    events: dict[str, list[Part]] = {}
    for handler in handlers:
        if not handler.get("enabled"):
            continue
        match handler.get("type"):
            case "webhook":
                meta = {
                    **same(handler, "id", "name", "method"),
                    **named(handler, target_path="url", template_path="bodyTemplate"),
                    "header_map": pairs(handler.get("headers"), "name", "value"),
                    "event_timeout": seconds(handler.get("cooldownPeriod")),
                }
                made = {"handler_name": "eh_web_hook_handler", "handler_meta": meta}
            case "log":
                made = {"handler_name": "eh_log_handler", "handler_meta": named(handler, prefix="logPrefix")}
            case _:
                continue
        events.setdefault(handler.get("trigger") or "", []).append(made)
    return {"events": events} if events else {}


def _proxy(server: Part, upstream: Part) -> Part:
    balancing = on(upstream, "loadBalancing")
    targets = [
        target.get("url") or "" for target in balancing.get("targets") or [] for _ in range(target.get("weight") or 0)
    ]
    transport = part(upstream, "tlsTransport")
    return {
        "listen_path": get(server, "listenPath", "value") or "",
        "strip_listen_path": bool(get(server, "listenPath", "strip")),
        "target_url": upstream.get("url") or "",
        "preserve_host_header": bool(on(upstream, "preserveHostHeader")),
        "disable_strip_slash": bool(on(upstream, "preserveTrailingSlash")),
        "enable_load_balancing": bool(targets),
        "check_host_against_uptime_tests": bool(targets and balancing.get("skipUnavailableHosts")),
        "target_list": targets,
        "service_discovery": _discovery(on(upstream, "serviceDiscovery")),
        "transport": {
            **named(transport, ssl_insecure_skip_verify="insecureSkipVerify", ssl_ciphers="ciphers"),
            **named(transport, ssl_force_common_name_check="forceCommonNameCheck"),
            "ssl_min_version": TLS.get(transport.get("minVersion") or "", 0),
            "ssl_max_version": TLS.get(transport.get("maxVersion") or "", 0),
            **named(on(upstream, "proxy"), proxy_url="url"),
        },
    }


def _discovery(discovery: Part) -> Part:
    if not discovery:
        return {}
    older = {"enabled": True, "timeout": discovery.get("cacheTimeout")}
    cache = discovery.get("cache") or older
    timeout = cache.get("enabled") and cache.get("timeout")
    return {
        "use_discovery_service": True,
        **same(discovery, "queryEndpoint", "dataPath", "useNestedQuery", "parentDataPath", "portDataPath"),
        **same(discovery, "useTargetList", "targetPath", "endpointReturnsList"),
        "cache_timeout": timeout or 0,
        "cache_disabled": not timeout,
    }


def _upstream(upstream: Part) -> Part:
    limit = on(upstream, "rateLimit")
    trusted = on(upstream, "mutualTLS").get("domainToCertificateMapping")
    pinned = on(upstream, "certificatePinning").get("domainToPublicKeysMapping") or []
    signing = on(upstream, "authentication", "requestSigning")
    return {
        "global_rate_limit": {"rate": limit.get("rate") or 0, "per": seconds(limit.get("per"))} if limit else {},
        "upstream_certificates": pairs(trusted, "domain", "certificate"),
        "pinned_public_keys": {pin.get("domain") or "": ",".join(pin.get("publicKeys") or []) for pin in pinned},
        "uptime_tests": _uptime_tests(on(upstream, "uptimeTests")),
        "upstream_auth": _upstream_authentication(on(upstream, "authentication")),
        "request_signing": {
            **named(signing, is_enabled="enabled", header_list="headers"),
            **same(signing, "signatureHeader", "algorithm", "keyId", "secret", "certificateId"),
        },
    }


def _uptime_tests(tests: Part) -> Part:
    if not tests:
        return {}
    checks = [
        {
            **same(test, "url", "method", "headers", "body", "enableProxyProtocol"),
            "protocol": test["url"].partition("://")[0] if "://" in (test.get("url") or "") else "",
            "timeout": nanoseconds(test.get("timeout")),
            "commands": [same(command, "name", "message") for command in test.get("commands") or []],
        }
        for test in tests.get("tests") or []
    ]
    config = {
        "expire_utime_after": seconds(tests.get("logRetentionPeriod")),
        "recheck_wait": seconds(tests.get("hostDownRetestPeriod")),
        "service_discovery": _discovery(on(tests, "serviceDiscovery")),
    }
    return {"check_list": checks, "config": config}


def _upstream_authentication(auth: Part) -> Part:
    basic, oauth = on(auth, "basicAuth"), on(auth, "oauth")
    if not basic and not oauth:
        return {}
    flows = {"client_credentials": part(oauth, "clientCredentials"), "password": part(oauth, "password")}
    client = ("clientId", "clientSecret", "method", "header", "tokenUrl", "scopes", "extraMetadata")
    return {
        "enabled": True,
        "basic_auth": same(basic, "enabled", "username", "password", "header"),
        "oauth": {
            **same(oauth, "enabled", "allowedAuthorizeTypes"),
            **{name: same(flow, *client, "username", "password") for name, flow in flows.items() if flow},
        },
    }


def _global(shared: Part) -> Part:
    cors, cache, logs = on(shared, "cors"), on(shared, "cache"), on(shared, "trafficLogs")
    return {
        "CORS": {
            **named(cors, enable="enabled"),
            **same(cors, "maxAge", "allowCredentials", "exposedHeaders", "allowedHeaders"),
            **same(cors, "optionsPassthrough", "debug", "allowedOrigins", "allowedMethods"),
        },
        "cache_options": {
            **named(cache, enable_cache="enabled", cache_timeout="timeout"),
            **named(cache, cache_control_ttl_header="controlTTLHeaderName"),
            **same(cache, "cacheAllSafeRequests", "cacheResponseCodes", "cacheByHeaders"),
            **same(cache, "enableUpstreamCacheControl"),
        },
        "config_data": on(shared, "pluginConfig", "data").get("value"),
        "enable_context_vars": bool(on(shared, "contextVariables")),
        "do_not_track": not logs,
        "tag_headers": logs.get("tagHeaders"),
        "expire_analytics_after": seconds(logs.get("customRetentionPeriod")),
        "disable_rate_limit": bool(shared.get("skipRateLimit")),
        "disable_quota": bool(shared.get("skipQuota")),
        "dont_set_quota_on_create": bool(shared.get("skipQuotaReset")),
    }


def _version(document: Part, extension: Part, shared: Part) -> Part:
    asked, answered = on(shared, "transformRequestHeaders"), on(shared, "transformResponseHeaders")
    limit, timeout = on(shared, "requestSizeLimit"), on(extension, "upstream", "enforceTimeout")
    return {
        "name": "",
        "global_headers": pairs(asked.get("add"), "name", "value"),
        "global_headers_remove": asked.get("remove") or [],
        "global_response_headers": pairs(answered.get("add"), "name", "value"),
        "global_response_headers_remove": answered.get("remove") or [],
        "ignore_endpoint_case": bool(on(shared, "ignoreCase")),
        "global_size_limit": limit.get("value") or 0,
        **named(timeout, global_enforce_timeout="duration"),
        "use_extended_paths": True,
        "extended_paths": extended_paths(document, part(extension, "middleware", "operations")),
    }

"""Middleware of operations, found by their `operationId`, as the lists of paths in a classic definition."""

import re
from collections.abc import Callable, Iterator

from apis.oas.parts import Part, named, nanoseconds, on, pairs, part, same, seconds
from apis.openapi import METHODS

MATCHES = {
    "header": "header_matches",
    "query": "query_val_matches",
    "path": "path_part_matches",
    "sessionMetadata": "session_meta_matches",
    "requestContext": "request_context_matches",
}
PARAMETER = re.compile(r"\{[^}]*\}")


def extended_paths(document: Part, operations: Part) -> Part:
    lists: dict[str, list[Part]] = {}
    for route, operation in _routes(document, operations):
        for name, (place, made_of) in MIDDLEWARE.items():
            if middleware := on(operation, name):
                lists.setdefault(place, []).append(route | made_of(middleware))
    return lists


def _routes(document: Part, operations: Part) -> Iterator[tuple[Part, Part]]:
    """Yield path and method of each operation that has middleware, in the order in which gateways match them."""
    paths = part(document, "paths")
    for path in sorted((path for path in paths if path.startswith("/")), key=_precedence):
        for method in sorted(METHODS & paths[path].keys()):
            if operation := operations.get(paths[path][method].get("operationId") or ""):
                yield {"path": path, "method": method.upper()}, operation


def _precedence(path: str) -> tuple[int, int, str, bool]:
    literal = PARAMETER.sub("", path)
    return -literal.count("/"), -len(literal), literal, literal != path


def _headers(headers: Part) -> Part:
    add = pairs(headers.get("add"), "name", "value")
    return {"delete_headers": headers.get("remove") or [], "add_headers": add}


def _body(body: Part) -> Part:
    """What names a file has been refused."""
    template = {"template_mode": "blob", "enable_session": True, "template_source": body.get("body") or ""}
    return {"template_data": named(body, input_type="format") | template}


def _rewrite(rewrite: Part) -> Part:
    triggers = [
        named(trigger, on="condition") | {"rewrite_to": trigger.get("rewriteTo") or "", "options": _options(trigger)}
        for trigger in rewrite.get("triggers") or []
    ]
    shown = named(rewrite, match_pattern="pattern") | same(rewrite, "rewriteTo")
    return shown | ({"triggers": triggers} if triggers else {})


def _options(trigger: Part) -> Part:
    options: Part = {}
    for rule in trigger.get("rules") or []:
        match = {"match_rx": rule.get("pattern") or "", "reverse": bool(rule.get("negate"))}
        if rule.get("in") == "requestBody":
            options["payload_matches"] = match
        elif place := MATCHES.get(rule.get("in") or ""):
            options.setdefault(place, {})[rule.get("name") or ""] = match
    return options


def _timeout(timeout: Part) -> Part:
    span = timeout.get("duration")
    rounded_up = -(-nanoseconds(span) // 1_000_000_000)
    return {"timeout": rounded_up, "duration": span} if rounded_up else {"timeout": timeout.get("value") or 0}


def _cache(cache: Part) -> Part:
    return same(cache, "cacheResponseCodes", "timeout") | named(cache, cache_key_regex="cacheByRegex")


def _breaker(breaker: Part) -> Part:
    return {
        **named(breaker, threshold_percent="threshold", samples="sampleSize"),
        **named(breaker, return_to_service_after="coolDownPeriod"),
        "disable_half_open_state": not breaker.get("halfOpenStateEnabled"),
    }


MIDDLEWARE: dict[str, tuple[str, Callable[[Part], Part]]] = {
    "allow": ("white_list", lambda it: same(it, "ignoreCase")),
    "block": ("black_list", lambda it: same(it, "ignoreCase")),
    "ignoreAuthentication": ("ignored", lambda it: same(it, "ignoreCase")),
    "internal": ("internal", lambda it: {}),
    "transformRequestMethod": ("method_transforms", lambda it: same(it, "toMethod")),
    "transformRequestBody": ("transform", _body),
    "transformResponseBody": ("transform_response", _body),
    "transformRequestHeaders": ("transform_headers", _headers),
    "transformResponseHeaders": ("transform_response_headers", _headers),
    "urlRewrite": ("url_rewrites", _rewrite),
    "cache": ("advance_cache_config", _cache),
    "enforceTimeout": ("hard_timeouts", _timeout),
    "circuitBreaker": ("circuit_breakers", _breaker),
    "trackEndpoint": ("track_endpoints", lambda it: {}),
    "doNotTrackEndpoint": ("do_not_track_endpoints", lambda it: {}),
    "requestSizeLimit": ("size_limits", lambda it: named(it, size_limit="value")),
    "rateLimit": ("rate_limit", lambda it: {"rate": it.get("rate") or 0, "per": seconds(it.get("per"))}),
}

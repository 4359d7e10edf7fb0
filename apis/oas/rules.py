"""What a document must be beyond OpenAPI, since gateways read all of it: the rules of definitions, and some more."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from apis.definition import MOST_PROBLEMS, validate
from apis.jsontext import Path, Problem, dotted, walk
from apis.oas.derivation import to_classic
from apis.oas.fields import EXTENSION, GATEWAY
from apis.oas.parts import Part, part
from apis.rules import OWN_TEMPLATE, address_problems, certificate_problems, secret_problems
from apis.tyk_fields import type_problems, wrong_type

STREAMING = "x-tyk-streaming"
MOST_TARGETS = 1_000
ADDRESS_FIELDS = {
    *("url", "queryEndpoint", "rewriteTo", "source", "tokenUrl", "tokenEndpoint", "onKeyChangeUrl", "issuer"),
    *("issuers", "allowedIssuers", "authorizationServers"),
}
CERTIFICATE_FIELDS = {"allowlist", "certificates", "certificate", "certificateid", "publickeys", "certid"}  # folded
# Where the derived definition's fields come from, for problems that only it has.
ORIGINS: dict[Path, Path] = {
    ("name",): ("info", "name"),
    ("id",): ("info", "dbId"),
    ("api_id",): ("info", "id"),
    ("proxy", "listen_path"): ("server", "listenPath", "value"),
    ("proxy", "target_url"): ("upstream", "url"),
    ("domain",): ("server", "customDomain", "name"),
    ("listen_port",): ("server", "port"),
    ("protocol",): ("server", "protocol"),
    ("certificates",): ("server", "customDomain", "certificates"),
    ("client_certificates",): ("server", "clientCertificates", "allowlist"),
    ("upstream_certificates",): ("upstream", "mutualTLS"),
    ("pinned_public_keys",): ("upstream", "certificatePinning"),
    ("request_signing",): ("upstream", "authentication", "requestSigning"),
    ("tags",): ("server", "gatewayTags", "tags"),
    ("definition", "versions"): ("info", "versioning", "versions"),
    ("definition", "location"): ("info", "versioning", "location"),
    ("base_identity_provided_by",): ("server", "authentication", "baseIdentityProvider"),
}
ANY = "*"
_OPERATIONS = [("middleware", kind, ANY) for kind in ("operations", "mcpTools", "mcpResources", "mcpPrompts")]
NAMED: set[Path] = {where[:-1] for where in _OPERATIONS} | {("server", "authentication", "securitySchemes")}
# Code or files on gateways that others share.
PLUGINS: tuple[tuple[str, ...], ...] = (
    ("server", "authentication", "custom", "config"),
    ("middleware", "global", "pluginConfig", "bundle", "path"),
    *(("middleware", "global", f"{stage}Plugins") for stage in ("pre", "postAuthentication", "post", "response")),
    *(
        ("middleware", "global", f"{stage}Plugin", "plugins")
        for stage in ("pre", "postAuthentication", "post", "response")
    ),
    ("middleware", "global", "trafficLogs", "plugins"),
    *((*where, name) for where in _OPERATIONS for name in ("virtualEndpoint", "postPlugins")),
    *((*where, name, "path") for where in _OPERATIONS for name in ("transformRequestBody", "transformResponseBody")),
    ("errorOverrides", "value", ANY, ANY, "response", "template"),
)


def problems(document: Part, *, org_id: str = "", allow_loopback: bool = False) -> list[Problem]:
    """Return the first problems of a document that is OpenAPI; rules are looked at once the types are right."""
    extension: Any = document.get(EXTENSION)
    if of_types := shape_problems(extension):
        return of_types
    rules = list(islice(_rules(document, extension, org_id, allow_loopback), MOST_PROBLEMS))
    if rules:
        return rules
    classic = to_classic(document)
    return [at_origin(problem) for problem in validate(classic, org_id=org_id, allow_loopback=allow_loopback)]


def shape_problems(extension: Any) -> list[Problem]:
    """Return the first wrong types of an extension."""
    if not isinstance(extension, dict):
        return [wrong_type((EXTENSION,), "an object", extension)]
    found = (*type_problems(extension, GATEWAY, (EXTENSION,)), *_nulls(extension))
    return list(found[:MOST_PROBLEMS])


def _nulls(extension: Part) -> Iterator[Problem]:
    """A gateway takes null for a field that is not there, but stops at an entry that is null."""
    for path, item in walk(extension):
        if item is None and (isinstance(path[-1], int) or path[:-1] in NAMED):
            yield Problem(f"{dotted((EXTENSION, *path))} must not be null.", (EXTENSION, *path))


def _rules(document: Part, extension: Part, org_id: str, allow_loopback: bool) -> Iterator[Problem]:
    yield from _plugins(extension)
    if document.get(STREAMING):
        yield Problem(f"{STREAMING} must be empty: streams read and run what they name on gateways.", (STREAMING,))
    weights = [
        target.get("weight") or 0 for target in part(extension, "upstream", "loadBalancing").get("targets") or []
    ]
    if any(weight < 0 for weight in weights) or sum(weights) > MOST_TARGETS:
        path: Path = (EXTENSION, "upstream", "loadBalancing", "targets")
        yield Problem(f"{dotted(path)} must have weights from 0, {MOST_TARGETS:,} in all at most.", path)
    for path, item in walk(document):
        yield from secret_problems(path, item)
        if path[:1] == (EXTENSION,):
            yield from address_problems(path, item, allow_loopback, ADDRESS_FIELDS)
            yield from certificate_problems(_certificate(path, item), org_id)


def _certificate(path: Path, item: object) -> list[tuple[Path, str | None]]:
    field = next((step for step in reversed(path) if isinstance(step, str)), "").casefold()
    if field not in CERTIFICATE_FIELDS or not isinstance(item, str):
        return []
    return [(path, one.strip()) for one in item.split(",")]


def _plugins(extension: Part) -> Iterator[Problem]:
    for pattern in PLUGINS:
        for path in _found(extension, pattern, (EXTENSION,)):
            yield Problem(f"{dotted(path)} must be empty: it names code or files on gateways that others share.", path)
    for at, handler in enumerate(part(extension, "server").get("eventHandlers") or []):
        where: Path = (EXTENSION, "server", "eventHandlers", at)
        if handler.get("type") == "custom":
            yield Problem(f"{dotted(where)}.type must not be “custom”: it names code on gateways.", (*where, "type"))
        if (template := handler.get("bodyTemplate")) and not OWN_TEMPLATE.fullmatch(template):
            message = f"{dotted(where)}.bodyTemplate must be empty or a template of the gateway, templates/….json."
            yield Problem(message, (*where, "bodyTemplate"))


def _found(value: Any, pattern: tuple[str, ...], path: Path) -> Iterator[Path]:
    """Yield the places that match the pattern and are not empty."""
    if not value:
        return
    if not pattern:
        yield path
    elif pattern[0] == ANY:
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in items:
            yield from _found(item, pattern[1:], (*path, key))
    else:
        yield from _found(value.get(pattern[0]), pattern[1:], (*path, pattern[0]))


def at_origin(problem: Problem) -> Problem:
    """Say of a problem of the derived definition where in the document it comes from."""
    for field, origin in ORIGINS.items():
        if problem.path[: len(field)] == field:
            path = (EXTENSION, *origin, *problem.path[len(field) :])
            return Problem(problem.message.replace(problem.place, dotted(path), 1), path)
    return Problem(f"{EXTENSION}: {problem.message}", (EXTENSION,))

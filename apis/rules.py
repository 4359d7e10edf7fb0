"""What a definition must be, beyond the types of its fields.

The definitions of all organisations run in the same gateways, which trust them. So a definition may not name
files or secrets of the gateway, certificates of another organisation, or other APIs by Tyk's inner addresses;
nor may it send a gateway to link-local and metadata addresses, and to loopback only where the installation
allows it.
"""

import base64
import re
from collections.abc import Collection, Iterable, Iterator
from functools import cache
from typing import Any

from apis.jsontext import Path, Problem, dotted, walk
from orgs.addresses import HTTP, Reach, as_dialled, host_of, reach_of, target_fault

RawDefinition = dict[str, Any]

MAX_NAME = 200
MAX_LISTEN_PATH = 200
MAX_TAG = 60
LISTEN_PATH = re.compile(r"/[A-Za-z0-9._~!$&'()+,;=:@/-]*", re.ASCII)
# Gateways count by the value of the first two instead of by key, so they could use up somebody else's limits; newer
# ones take policies out of the third, which may name the APIs of any organisation.
RESERVED_METADATA = frozenset({"tyk_developer_id", "rate_limit_pattern", "policies"})
API_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
HEX_ID = re.compile(r"[0-9a-fA-F]{24}", re.ASCII)
DOMAIN = re.compile(r"[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?", re.ASCII)
# What a gateway listens with says little of what it calls: an API at http may lead to a web socket, or to gRPC by h2c.
CALLED = (*HTTP, "ws", "wss", "h2c")
SCHEMES = {
    **dict.fromkeys(("", "http", "https", "h2c", "ws", "wss"), CALLED),
    **dict.fromkeys(("tcp", "tls"), ("tcp", "tls")),
}
CHOICES: dict[Path, tuple[str, ...]] = {
    ("protocol",): tuple(SCHEMES),
    ("definition", "location"): ("", "header", "url", "url-param"),
    ("base_identity_provided_by",): (
        *("", "auth_token", "hmac_key", "basic_auth_user", "jwt_claim", "oidc_user", "oauth_key"),
    ),
}

# Newer gateways put their environment, files and secret stores in place of these, anywhere in the feed.
GATEWAY_SECRET = re.compile(
    r"(?:env|secrets|consul|vault|file|kv)://|\$kv\{|\$secret_(?:env|conf|vault|consul|file)\.", re.IGNORECASE
)
# Gateways look up the API of an inner address by id or by name, in every organisation.
INNER_ADDRESS = re.compile(r"\btyk:(?=[/$])(?!//self(?:[/?]|$))", re.IGNORECASE)
# A caller could complete such a rewriting to an inner address.
VARIABLE_SCHEME = re.compile(r"[^/?]*\$")
# Fields whose text is an address that a gateway calls; graphql data sources and uptime tests say `url`.
ADDRESS_FIELDS = {
    *("target_url", "target_list", "override_target", "proxy_url", "query_endpoint", "jwt_source", "url"),
    *("oauth_on_keychange_url", "target_path", "rewrite_to", "issuer", "token_url"),
}
REWRITINGS = {"rewrite_to", "rewriteto"}
KEY_SOURCES = {"jwt_source", "source"}  # gateways read an address there also where it is in base64
FILE_PLUGIN_HANDLERS = {"eh_dynamic_handler", "cp_dynamic_handler"}
OWN_TEMPLATE = re.compile(r"templates/[A-Za-z0-9_-]+\.json", re.ASCII)
PLUGIN_LISTS = ("pre", "post", "post_key_auth", "response")


def get(value: object, *path: str) -> Any:
    """Return what lies at the path, None where there is nothing. Types have been checked before."""
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def rule_problems(definition: RawDefinition, *, org_id: str, allow_loopback: bool) -> Iterator[Problem]:
    yield from _identity(definition)
    yield from _listening(definition)
    yield from _target(definition)
    yield from _versions(definition)
    yield from _choices(definition)
    yield from _plugins(definition)
    yield from certificate_problems(certificate_ids(definition), org_id)
    for path, item in walk(definition):
        yield from secret_problems(path, item)
        yield from address_problems(path, item, allow_loopback)


def _identity(definition: RawDefinition) -> Iterator[Problem]:
    name = (get(definition, "name") or "").strip()
    if not name or len(name) > MAX_NAME:
        yield Problem(f"name must have 1 to {MAX_NAME} characters.", ("name",))
    if (own_id := get(definition, "id")) and not HEX_ID.fullmatch(own_id):
        yield Problem("id must be empty or 24 hexadecimal digits.", ("id",))
    if (api_id := get(definition, "api_id")) and not API_ID.fullmatch(api_id):
        yield Problem("api_id must be 1 to 64 letters, digits, “-” or “_”.", ("api_id",))
    if get(definition, "is_oas"):
        yield Problem("is_oas must be false: this is a classic definition.", ("is_oas",))
    for at, tag in enumerate(get(definition, "tags") or []):
        if not tag or len(tag) > MAX_TAG:
            yield Problem(f"tags.{at} must have 1 to {MAX_TAG} characters.", ("tags", at))


def _listening(definition: RawDefinition) -> Iterator[Problem]:
    path, where = get(definition, "proxy", "listen_path") or "", ("proxy", "listen_path")
    if fault := listen_path_fault(path):
        yield Problem(f"proxy.listen_path {fault}", where)
    if (domain := get(definition, "domain")) and not DOMAIN.fullmatch(domain):
        yield Problem("domain must be a host name, without a pattern.", ("domain",))
    if domain and get(definition, "domain_disabled"):
        # A gateway would listen at every host, where the path is perhaps another organisation's.
        yield Problem("domain_disabled cannot be true beside a domain: leave the domain out.", ("domain_disabled",))
    if get(definition, "protocol") in ("tcp", "tls") and not get(definition, "listen_port"):
        yield Problem("listen_port must be given for protocol tcp and tls.", ("listen_port",))


def listen_path_fault(path: str) -> str | None:
    """Say what is wrong with a listen path, as the end of a sentence."""
    if not path.startswith("/"):
        return "must begin with “/”."
    if len(path) > MAX_LISTEN_PATH:
        return f"must have at most {MAX_LISTEN_PATH} characters."
    if not LISTEN_PATH.fullmatch(path):  # braces would make it a pattern that answers for other organisations
        return "must hold only letters, digits and -._~!$&'()+,;=:@/ (no spaces, “?”, “#” or braces)."
    if "//" in path or {".", ".."} & set(path.split("/")):
        return "must not hold “//”, “.” or “..” as a part."
    if path == "/hello" or path.startswith(("/hello/", "/tyk/")) or path == "/tyk":
        return "must not begin with /tyk or /hello: gateways answer there themselves."
    return None


def _target(definition: RawDefinition) -> Iterator[Problem]:
    if get(definition, "graphql", "execution_mode") == "executionEngine":
        return  # its data sources are the targets
    target, where = get(definition, "proxy", "target_url") or "", ("proxy", "target_url")
    if not target and _has_other_targets(definition):
        return
    schemes = SCHEMES.get(get(definition, "protocol") or "", CALLED)
    if fault := target_fault(target, schemes):
        yield Problem(f"proxy.target_url {fault}", where)
    elif get(definition, "active") and reach_of(host_of(target) or "") is Reach.NOWHERE:
        yield Problem("proxy.target_url is a placeholder: give it a target before activating it.", where)


def _has_other_targets(definition: RawDefinition) -> bool:
    proxy = get(definition, "proxy")
    balanced = get(proxy, "enable_load_balancing") and any(get(proxy, "target_list") or ())
    return bool(balanced or get(definition, "graphql", "execution_mode") == "supergraph")


def _versions(definition: RawDefinition) -> Iterator[Problem]:
    if not get(definition, "version_data", "versions"):
        message = "version_data.versions must hold at least one version: without one, every call fails."
        yield Problem(message, ("version_data", "versions"))


def _choices(definition: RawDefinition) -> Iterator[Problem]:
    for path, choices in CHOICES.items():
        value = get(definition, *map(str, path))
        if value is not None and value not in choices:
            listed = ", ".join(choice for choice in choices if choice)
            yield Problem(f"{dotted(path)} must be empty or one of {listed}.", path)


def _plugins(definition: RawDefinition) -> Iterator[Problem]:
    for path in _plugin_places(definition):
        message = f"{dotted(path)} must be empty: it names code or files on gateways that others share."
        yield Problem(message, path)


def _plugin_places(definition: RawDefinition) -> Iterator[Path]:
    for name in PLUGIN_LISTS:
        if get(definition, "custom_middleware", name):
            yield "custom_middleware", name
    for name in ("name", "path"):
        if get(definition, "custom_middleware", "auth_check", name):
            yield "custom_middleware", "auth_check", name
    if get(definition, "custom_middleware_bundle"):
        yield ("custom_middleware_bundle",)
    if get(definition, "analytics_plugin", "plugin_path"):
        yield "analytics_plugin", "plugin_path"
    for version, content in (get(definition, "version_data", "versions") or {}).items():
        where = ("version_data", "versions", version, "extended_paths")
        yield from _path_plugins(get(content, "extended_paths"), where)
    for event, handlers in (get(definition, "event_handlers", "events") or {}).items():
        yield from _event_plugins(handlers or [], ("event_handlers", "events", event))


def _path_plugins(paths: object, where: Path) -> Iterator[Path]:
    for name in ("virtual", "go_plugin"):
        if get(paths, name):
            yield *where, name
    for name in ("transform", "transform_response"):
        for at, template in enumerate(get(paths, name) or []):
            if get(template, "template_data", "template_mode") == "file":
                yield *where, name, at, "template_data", "template_source"


def _event_plugins(handlers: list[Any], where: Path) -> Iterator[Path]:
    for at, handler in enumerate(handlers):
        if get(handler, "handler_name") in FILE_PLUGIN_HANDLERS:
            yield *where, at, "handler_name"
        meta = get(handler, "handler_meta")
        for name, value in meta.items() if isinstance(meta, dict) else ():
            # Gateways read the name without regard to case.
            if name.casefold() == "template_path" and value and not OWN_TEMPLATE.fullmatch(str(value)):
                yield *where, at, "handler_meta", name


def certificate_problems(ids: Iterable[tuple[Path, str | None]], org_id: str) -> Iterator[Problem]:
    """A gateway opens a certificate id that is not hexadecimal as a file."""
    own = re.compile(f"{org_id or '[0-9a-f]{24}'}[0-9a-f]+", re.ASCII)
    for path, certificate in ids:
        if certificate and not own.fullmatch(certificate):
            yield Problem(f"{dotted(path)} must be the id of a certificate of this organisation.", path)


def certificate_ids(definition: RawDefinition) -> Iterator[tuple[Path, str | None]]:
    for name in ("certificates", "client_certificates"):
        for at, certificate in enumerate(get(definition, name) or []):
            yield (name, at), certificate
    for name in ("upstream_certificates", "pinned_public_keys"):
        for host, certificates in (get(definition, name) or {}).items():
            for certificate in (certificates or "").split(","):
                yield (name, host), certificate.strip()
    yield ("request_signing", "certificate_id"), get(definition, "request_signing", "certificate_id")


def secret_problems(path: Path, item: object) -> Iterator[Problem]:
    if isinstance(item, int | float) and abs(item) > 1.7e308:
        yield Problem(f"{dotted(path)} is a number that gateways cannot hold.", path)
    for text in (item, path[-1] if path else None):
        if isinstance(text, str) and (found := GATEWAY_SECRET.search(text)):
            message = f"{dotted(path)} must not hold “{found[0]}”: gateways put a secret there."
            yield Problem(message, path)
        if isinstance(text, str) and INNER_ADDRESS.search(text):
            yield Problem(f"{dotted(path)} must not name another API by tyk:// (only tyk://self).", path)


def address_problems(
    path: Path, item: object, allow_loopback: bool, fields: Collection[str] = ADDRESS_FIELDS
) -> Iterator[Problem]:
    # Gateways read names without regard to case, also those that are not in the table of types.
    field = next((part for part in reversed(path) if isinstance(part, str)), "").casefold()
    if not isinstance(item, str) or field not in _folded(frozenset(fields)):
        return
    if field in REWRITINGS and VARIABLE_SCHEME.match(item):
        yield Problem(f"{dotted(path)} must not hold a variable before its first “/”.", path)
    for text in (item, _decoded(item)) if field in KEY_SOURCES else (item,):
        yield from _reach_problems(path, text.strip(), allow_loopback)


@cache
def _folded(fields: frozenset[str]) -> frozenset[str]:
    return frozenset(field.casefold() for field in fields)


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4)).decode()
    except ValueError:
        return ""


def _reach_problems(path: Path, text: str, allow_loopback: bool) -> Iterator[Problem]:
    address = text if "://" in text else f"//{text}"
    host = host_of(address) or host_of(as_dialled(address))
    reach = reach_of(host) if host else Reach.OUTSIDE
    if reach is Reach.FORBIDDEN:
        yield Problem(f"{dotted(path)} must not be a link-local or metadata address ({host}).", path)
    elif reach is Reach.LOOPBACK and not allow_loopback:
        yield Problem(f"{dotted(path)} must not be the gateway's own machine ({host}).", path)

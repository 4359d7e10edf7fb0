"""The classic API definition: read, check, make and change it as raw JSON, without losing a field.

What gateways do with each field was tried on Tyk Gateway 3.1.2.
"""

import re
from copy import deepcopy
from dataclasses import replace
from enum import StrEnum
from itertools import islice
from typing import Any, TypedDict, Unpack
from unicodedata import normalize

from apis import jsontext
from apis.jsontext import Problem, TextError
from apis.rules import RawDefinition as RawDefinition
from apis.rules import get, rule_problems
from apis.tyk_fields import type_problems, wrong_type

MAX_BYTES = 2_000_000
MAX_DEPTH = 64
MAX_VALUES = 200_000
MOST_PROBLEMS = 100  # finding the line of each of 200,000 took a minute
OURS = ("id", "api_id", "org_id")


class Authentication(StrEnum):
    """What a caller must show. MULTIPLE is only read: several at once, which a form leaves as they are."""

    TOKEN = "token"  # noqa: S105 - a kind, not a secret
    KEYLESS = "keyless"
    BASIC = "basic"
    JWT = "jwt"
    OAUTH2 = "oauth2"
    HMAC = "hmac"
    MUTUAL_TLS = "mutual_tls"
    OPENID = "openid"
    PLUGIN = "plugin"
    MULTIPLE = "multiple"

    @property
    def label(self) -> str:
        return LABELS[self]


LABELS = {
    Authentication.TOKEN: "Auth token",
    Authentication.KEYLESS: "Keyless",
    Authentication.BASIC: "Basic",
    Authentication.JWT: "JWT",
    Authentication.OAUTH2: "OAuth 2.0",
    Authentication.HMAC: "HMAC signature",
    Authentication.MUTUAL_TLS: "Mutual TLS",
    Authentication.OPENID: "OpenID Connect",
    Authentication.PLUGIN: "Plug-in",
    Authentication.MULTIPLE: "Multiple",
}
SWITCHES = {
    Authentication.KEYLESS: "use_keyless",
    Authentication.TOKEN: "use_standard_auth",
    Authentication.BASIC: "use_basic_auth",
    Authentication.JWT: "enable_jwt",
    Authentication.OAUTH2: "use_oauth2",
    Authentication.HMAC: "enable_signature_checking",
    Authentication.MUTUAL_TLS: "use_mutual_tls_auth",
    Authentication.OPENID: "use_openid",
    Authentication.PLUGIN: "enable_coprocess_auth",
}
# They ask for a user's password, or for nothing; the others take the name of a basic-auth user alone for a whole key.
ASKING = (Authentication.BASIC, Authentication.MULTIPLE, Authentication.KEYLESS)
OTHER_PLUGIN_SWITCHES = ("use_go_plugin_auth", "custom_plugin_auth_enabled")


class Basics(TypedDict):
    """What a form edits. `rate` is requests per `per` seconds over all keys; a rate of 0 is no limit."""

    name: str
    listen_path: str
    target_url: str
    authentication: Authentication
    rate: float
    per: float
    tags: list[str]
    active: bool


class DefinitionError(ValueError):
    """The definition cannot be taken; `problems` says why, in the order of the text."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(" ".join(map(str, problems)))
        self.problems = problems


def load(text: str, *, org_id: str = "", allow_loopback: bool = False) -> RawDefinition:
    """Parse and validate. Raises DefinitionError, each problem with its line."""
    definition = parse(text)
    problems = validate(definition, org_id=org_id, allow_loopback=allow_loopback)
    if problems:
        raise DefinitionError(sorted(jsontext.locate(text, problems), key=lambda problem: problem.line or 0))
    return definition


def parse(text: str) -> RawDefinition:
    """Read one JSON object, types unchecked. Raises DefinitionError."""
    if len(text.encode(errors="surrogatepass")) > MAX_BYTES:
        raise DefinitionError([Problem(f"The definition is larger than {MAX_BYTES // 1_000_000} MB.")])
    try:
        raw = jsontext.loads(text.removeprefix("\ufeff"), max_depth=MAX_DEPTH, max_values=MAX_VALUES)
    except TextError as error:
        raise DefinitionError([_at_nul(text, error.problem)]) from None
    if not isinstance(raw, dict):
        raise DefinitionError([Problem("The definition must be a JSON object, in braces.", (), 1, 1)])
    return raw


def _at_nul(text: str, problem: Problem) -> Problem:
    """Give a problem without a place that of the first NUL that is written as an escape."""
    if problem.line or (offset := text.find("\\u0000")) < 0:
        return problem
    line, column = jsontext.position(text, offset)
    return replace(problem, line=line, column=column)


def validate(definition: RawDefinition, *, org_id: str = "", allow_loopback: bool = False) -> list[Problem]:
    """Return the first problems; rules are looked at once the types are right. Unknown fields pass.

    `org_id` is the organisation whose certificates may be named; without it, those of any one.
    """
    if not isinstance(definition, dict):
        return [wrong_type((), "an object", definition)]
    of_types = list(islice(type_problems(definition), MOST_PROBLEMS))
    rules = rule_problems(definition, org_id=org_id, allow_loopback=allow_loopback)
    return of_types or list(islice(rules, MOST_PROBLEMS))


def build(**basics: Unpack[Basics]) -> RawDefinition:
    """Make the smallest definition that a gateway serves well."""
    skeleton: RawDefinition = {
        "name": "",
        "slug": slugify(basics["name"]),
        "active": False,
        "use_standard_auth": True,
        "auth": {"auth_header_name": "Authorization"},
        "version_data": {"not_versioned": True, "versions": {"Default": {"name": "Default"}}},
        "proxy": {"listen_path": "", "target_url": "", "strip_listen_path": True},
    }
    return change(skeleton, **basics)


def change(definition: RawDefinition, **basics: Unpack[Basics]) -> RawDefinition:
    """Return a copy with the form's fields set and everything else as it was."""
    changed = deepcopy(definition)
    _part(changed, "proxy").update(listen_path=basics["listen_path"], target_url=basics["target_url"])
    if (basics["rate"], basics["per"]) != _rate(changed):
        _part(changed, "global_rate_limit").update(rate=basics["rate"], per=basics["per"])
    if basics["authentication"] != authentication_of(changed):
        _switch(changed, basics["authentication"])
    return changed | {"name": basics["name"], "tags": list(basics["tags"]), "active": basics["active"]}


def basics_of(definition: RawDefinition) -> Basics:
    rate, per = _rate(definition)
    return Basics(
        name=get(definition, "name") or "",
        listen_path=get(definition, "proxy", "listen_path") or "",
        target_url=get(definition, "proxy", "target_url") or "",
        authentication=authentication_of(definition),
        rate=rate,
        per=per,
        tags=list(get(definition, "tags") or []),
        active=bool(get(definition, "active")),
    )


def authentication_of(definition: RawDefinition) -> Authentication:
    """Read the switches as a gateway does: keyless wins over all, none at all is a token."""
    if get(definition, "use_keyless"):
        return Authentication.KEYLESS
    on = {kind for kind, switch in SWITCHES.items() if get(definition, switch)}
    if any(get(definition, switch) for switch in OTHER_PLUGIN_SWITCHES):
        on.add(Authentication.PLUGIN)
    if len(on) > 1:
        return Authentication.MULTIPLE
    return next(iter(on), Authentication.TOKEN)


def seal(definition: RawDefinition, *, api_id: str, id: str, org_id: str) -> RawDefinition:
    """Return a copy with these ids, whatever it said before: in any case, since gateways ignore case."""
    kept = {key: value for key, value in definition.items() if key in OURS or key.casefold() not in OURS}
    return deepcopy(kept) | {"id": id, "api_id": api_id, "org_id": org_id}


def compact(definition: RawDefinition) -> str:
    return jsontext.dumps(definition)


def is_tyk_definition(raw: object) -> bool:
    """Tell a classic definition, bare or wrapped in `api_definition`, from an OpenAPI document."""
    inner = raw.get("api_definition", raw) if isinstance(raw, dict) else None
    return isinstance(inner, dict) and "proxy" in inner and not {"openapi", "swagger"} & inner.keys()


def unwrap(raw: dict[str, Any]) -> RawDefinition:
    inner = raw.get("api_definition")
    return inner if isinstance(inner, dict) else raw


def slugify(text: str) -> str:
    """Return lower-case ASCII words joined by hyphens, at most 60 characters, never empty."""
    ascii_text = normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", ascii_text).strip("-")[:60].strip("-") or "api"


def _part(definition: RawDefinition, name: str) -> RawDefinition:
    """Return the object of that name for changing, made where it is missing or null."""
    if not isinstance(definition.get(name), dict):
        definition[name] = {}
    part: RawDefinition = definition[name]
    return part


def _rate(definition: RawDefinition) -> tuple[float, float]:
    return get(definition, "global_rate_limit", "rate") or 0, get(definition, "global_rate_limit", "per") or 0


def _switch(definition: RawDefinition, wanted: Authentication) -> None:
    if wanted is Authentication.MULTIPLE:
        return
    for kind, switch in SWITCHES.items():
        if kind is wanted or definition.get(switch):
            definition[switch] = kind is wanted
    for switch in OTHER_PLUGIN_SWITCHES:
        if definition.get(switch):
            definition[switch] = False

"""An API as the Dashboard API's clients get and send it: its definition in a wrapper with what is kept beside it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypedDict

from django.db.models import Case, TextField, Value, When

from apis.definition import MAX_DEPTH, MAX_VALUES, DefinitionError
from apis.jsontext import Problem, dumps, refuse_odd_values
from apis.rules import RawDefinition
from apis.tyk_fields import DEFINITION, TEXT, schema_of, wrong_type

# The columns of `wrapper_text`. Only where it is the truth is the document sent: it may be megabytes.
DOCUMENT = Case(When(is_oas=True, then="openapi"), default=Value(""), output_field=TextField())
FIELDS = (
    *("definition", DOCUMENT, "hook_references", "user_owners", "group_owners", "categories", "created_at"),
    "updated_at",
)
TEMPLATE = (
    '{{"api_definition":{}{},"hook_references":{},"is_site":false,"sort_by":0,"user_owners":{},'
    '"user_group_owners":{},"categories":{},"created_at":"{}","updated_at":"{}"}}'
)
_IDS = {"type": "array", "items": {"type": "string"}}
WRAPPER = {
    "type": "object",
    "required": ["api_definition"],
    "properties": {
        "api_definition": schema_of(DEFINITION) | {"type": "object"},
        "oas": {"type": "object"},
        "hook_references": {"type": "array"},
        "is_site": {"type": "boolean"},
        "sort_by": {"type": "integer"},
        "user_owners": _IDS,
        "user_group_owners": _IDS,
        "categories": _IDS,
        "created_at": {"type": "string", "format": "date-time"},
        "updated_at": {"type": "string", "format": "date-time"},
    },
}
LIST = {
    "type": "object",
    "required": ["apis", "pages"],
    "properties": {"apis": {"type": "array", "items": WRAPPER}, "pages": {"type": "integer"}},
}
MOST_VALUES = 3 * MAX_VALUES  # the definition, the document that it follows from, and what is beside
BESIDE = {"categories": "categories", "user_owners": "user_ids", "user_group_owners": "group_ids"}


class Settings(TypedDict, total=False):
    """What is kept beside a definition."""

    hook_references: list[Any]
    categories: list[str]
    user_ids: list[str]
    group_ids: list[str]


@dataclass(frozen=True)
class Body:
    """What a client sent; `settings` has only what it spoke of.

    `document` is the OpenAPI document, where there is one; it is the truth then, and the definition follows from it.
    """

    definition: RawDefinition
    settings: Settings = field(default_factory=Settings)
    document: dict[str, Any] = field(default_factory=dict)


def wrapper_text(
    definition: str,
    document: str,
    hook_references: list[Any],
    user_owners: list[str],
    group_owners: list[str],
    categories: list[str],
    created_at: datetime,
    updated_at: datetime,
) -> str:
    """Compose the wrapper around JSON as it is stored: reading and writing it again would take 26 times as long."""
    oas = f',"oas":{document}' if document else ""
    lists = map(dumps, (hook_references, user_owners, group_owners, categories))
    return TEMPLATE.format(definition, oas, *lists, moment(created_at), moment(updated_at))


def moment(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def unwrap_body(body: Any) -> Body:
    """Read the wrapper, or a bare definition. Raises DefinitionError or TextError."""
    if not isinstance(body, dict):
        raise DefinitionError([wrong_type((), "an object", body)])
    refuse_odd_values(body, MAX_DEPTH + 1, MOST_VALUES if "api_definition" in body else MAX_VALUES)
    if "api_definition" not in body:
        return Body(body)
    definition, hooks, document = body["api_definition"], body.get("hook_references"), body.get("oas")
    problems = [] if isinstance(definition, dict) else [wrong_type(("api_definition",), "an object", definition)]
    problems += [] if isinstance(hooks, list | None) else [wrong_type(("hook_references",), "a list", hooks)]
    problems += [] if isinstance(document, dict | None) else [wrong_type(("oas",), "an object", document)]
    settings: dict[str, Any] = {ours: body[name] for name, ours in BESIDE.items() if body.get(name) is not None}
    problems += [problem for name, ours in BESIDE.items() for problem in _not_texts(name, settings.get(ours, []))]
    if problems:
        raise DefinitionError(problems)
    if hooks is not None:
        settings["hook_references"] = hooks
    return Body(definition, Settings(**settings), document or {})  # type: ignore[typeddict-item]


def _not_texts(name: str, value: object) -> list[Problem]:
    if not isinstance(value, list):
        return [wrong_type((name,), "a list", value)]
    return [wrong_type((name, at), TEXT.words, item) for at, item in enumerate(value) if not isinstance(item, str)]

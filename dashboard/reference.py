"""The pages of the JSON API: what can be called, and how.

They are made here of the API's own document. Of five viewers that were tried, four write styles into the page, which
our content security policy refuses, and two of these ask foreign hosts for more; the fifth, Swagger UI, is 1.7 MB of
script. None of them shows anything without JavaScript, as all pages here do.
"""

from functools import cache
from itertools import islice
from typing import Any

import msgspec
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from dashboard.api import described
from dashboard.curl import KEY, SECRET, command
from dashboard.machines import is_our_host
from dashboard.schemas import MOST_FIELDS, Schemas
from orgs.http import OrgRequest
from orgs.permissions import signed_in

Described = dict[str, Any]
SHORT = 25  # fields that are shown at once
CREDENTIALS = {"accessKey": KEY, "adminSecret": SECRET}


@signed_in
@require_safe
def index(request: OrgRequest) -> HttpResponse:
    words = request.GET.get("q", "").lower().split()
    prefix = f"{request.site.prefix}/reference/"
    groups: dict[str, list[tuple[str, str, str, str]]] = {}
    for operation in operations().values():
        if all(word in operation["haystack"] for word in words):
            row = (f"{prefix}{operation['operationId']}/", operation["method"], operation["path"], operation["summary"])
            groups.setdefault(operation["tags"][0], []).append(row)
    context = {
        "page_title": "JSON API",
        "about": with_code(described()["info"]["description"]),
        "groups": groups,
        "openapi_url": "/api/openapi.json" if is_our_host(request) else "",
        "filters": {"search": {"name": "q", "label": "Search by word", "value": request.GET.get("q", "")}},
        "empty": {"title": "Nothing matches", "action_url": prefix, "action_label": "Clear the search"},
    }
    return render(request, "dashboard/api.html", context)


@signed_in
@require_safe
def operation(request: OrgRequest, slug: str) -> HttpResponse:
    found = operations().get(slug)
    if found is None:
        raise Http404
    return render(request, "dashboard/api_operation.html", page_of(found) | {"curl": command_of(request, found)})


@cache
def operations() -> dict[str, Described]:
    """Return the document's operations by their ids, each with its method, its path and what a search looks through."""
    found = {}
    for path, methods in described()["paths"].items():
        for method, operation in methods.items():
            texts = (method, path, operation["summary"], operation["description"], *operation["tags"])
            own = {"method": method.upper(), "path": path, "haystack": " ".join(texts).lower()}
            found[operation["operationId"]] = operation | own
    return found


@cache
def schemas() -> Schemas:
    return Schemas(described()["components"]["schemas"])


def page_of(operation: Described) -> dict[str, Any]:
    """Return what the page of an operation shows."""
    done = next(status for status in operation["responses"] if status.startswith("2"))
    return {
        "page_title": operation["summary"],
        "operation": operation,
        "paragraphs": [with_code(paragraph) for paragraph in operation["description"].split("\n\n")],
        "parameters": [
            (each["name"], each["in"], schemas().type_of(each["schema"]), note_of(each))
            for each in operation["parameters"]
        ],
        "documents": [
            *documents("What is sent", operation.get("requestBody", {})),
            *documents(f"The answer, {done}", operation["responses"][done]),
        ],
        "refusals": [
            (status, answer_of(each)["description"])
            for status, each in operation["responses"].items()
            if status != done
        ],
    }


def note_of(parameter: Described) -> str:
    """An id in a path is longer than nothing: that needs no words."""
    bounds = "" if parameter["in"] == "path" else schemas().note_of(parameter["schema"])
    return " ".join(filter(None, (parameter.get("description", ""), bounds)))


def documents(title: str, holder: Described) -> list[Described]:
    """Return tables of the fields of a body or an answer, with an example; nothing where there is no schema."""
    found = {kind: content["schema"] for kind, content in holder.get("content", {}).items() if content.get("schema")}
    return [document_of(f"{title} ({kind})", schema) for kind, schema in found.items()]


def document_of(title: str, schema: Described) -> Described:
    fields = list(islice(schemas().fields(schema), MOST_FIELDS))
    is_short = len(fields) <= SHORT
    return {"title": title, "fields": fields, "is_short": is_short, "example": pretty(schemas().example(schema))}


def answer_of(answer: Described) -> Described:
    """Refusals are written once, and referred to."""
    name = answer.get("$ref", "").rpartition("/")[2]
    found: Described = described()["components"]["responses"][name] if name else answer
    return found


def command_of(request: OrgRequest, operation: Described) -> str:
    credentials = [CREDENTIALS[name] for scheme in operation["security"] for name in scheme]
    in_path = {each["name"]: each["example"] for each in operation["parameters"] if each["in"] == "path"}
    required = {each["name"]: "" for each in operation["parameters"] if each["in"] == "query" and each["required"]}
    return command(
        request,
        operation["method"],
        operation["path"].format_map(in_path),
        query=required,
        credential="".join(credentials),
        body="@body.json" if "requestBody" in operation else "",
    )


def pretty(value: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def with_code(text: str) -> list[tuple[bool, str]]:
    """Return the text in pieces, each with whether it stood between backticks."""
    return [(bool(at % 2), piece) for at, piece in enumerate(text.split("`"))]

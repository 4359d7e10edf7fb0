"""OpenAPI documents of the demo's APIs: what one reads, searches, makes and changes, of four kinds of things."""

import re
from typing import Any, NamedTuple

from dashboard.demo.content import Resource

Schema = dict[str, Any]
Fields = dict[str, Schema]


def _text(description: str, example: str, **more: Any) -> Schema:
    return {"type": "string", "description": description, "example": example, **more}


def _number(description: str, example: int) -> Schema:
    return {"type": "integer", "description": description, "example": example, "minimum": 0}


def _moment(description: str) -> Schema:
    return _text(description, "2026-03-02T08:30:00Z", format="date-time")


MONEY: Fields = {
    "amount": _number("In minor units: 1250 are 12.50 EUR.", 1250),
    "currency": _text("As ISO 4217 has it.", "EUR", minLength=3, maxLength=3),
    "reference": _text("What both sides know it by.", "INV-2026-0042", maxLength=35),
    "due_on": _text("The day on which it is booked.", "2026-03-04", format="date"),
}
PARTIES: Fields = {
    "name": _text("As it is written on paper.", "Northwind Traders", maxLength=80),
    "email": _text("Where mail about this goes.", "office@northwind.example", format="email"),
    "country": _text("As ISO 3166-1 has it.", "IE", minLength=2, maxLength=2),
    "languages": {"type": "array", "items": {"type": "string"}, "example": ["en", "ga"]},
}
GOODS: Fields = {
    "sku": _text("Our number of the article.", "NW-1077"),
    "quantity": _number("How many pieces.", 3),
    "weight_g": _number("With its package, in grams.", 840),
    "place": _text("Where it is now.", "Depot Dublin 2"),
}
RECORDS: Fields = {
    "title": _text("In a few words.", "Spring 2026"),
    "valid_from": _moment("From when it counts."),
    "valid_until": {**_moment("Until when; without it, for good."), "nullable": True},
    "value": {"type": "number", "description": "Its value, whose unit the title names.", "example": 1.0842},
}


class Things(NamedTuple):
    """A kind of things: those of paths with such words."""

    words: str
    fields: Fields
    states: tuple[str, ...]


KINDS = (
    Things(
        "merchants|beneficiaries|holders|customers|drivers|suppliers|consents", PARTIES,
        ("invited", "active", "closed"),
    ),
    Things(
        "payments|transfers|refunds|payouts|checkout|gift|claims|disputes", MONEY,
        ("pending", "booked", "returned", "cancelled"),
    ),
    Things(
        "stock|orders|returns|baskets|catalogue$|shipments|tracking|labels|customs|proofs|slots|routes", GOODS,
        ("packed", "on its way", "delivered", "lost"),
    ),
    Things("", RECORDS, ("draft", "in force", "ended")),
)  # fmt: skip

ABOUT = """{name} are read with `GET`, made with `POST` and changed with `PUT`.

- Times are in UTC, as RFC 3339 writes them.
- Lists come in pages: ask for the next with the `cursor` of the last.
- A `POST` that is sent again with the same `Idempotency-Key` within a day changes nothing more.
"""
PROBLEM: Schema = {
    "type": "object",
    "description": "Why it was not done, as RFC 9457 says.",
    "required": ["title", "status"],
    "properties": {
        "title": _text("What is wrong, as a sentence.", "There is none with this id."),
        "status": _number("The status of the answer.", 404),
        "field": _text("Which field it is about, if one is.", "reference"),
    },
}


def document_of(resource: Resource) -> dict[str, Any]:
    """Return the document of the version that is served."""
    one = singular(resource.name)
    name = re.sub(r"\W", "", one.title())
    things = next(kind for kind in KINDS if re.search(kind.words, resource.path))
    return {
        "openapi": "3.0.3",
        "info": {"title": resource.name, "version": "1.4.0", "description": ABOUT.format(name=resource.name)},
        "tags": [
            {"name": resource.name, "description": f"Each {small(one)} has an `id` that it keeps for good."},
            {"name": "History", "description": "What has happened, the newest first. Nothing of it is ever changed."},
        ],
        "paths": _paths(resource.name, one, name, things.states),
        "components": {"schemas": _schemas(one, name, things)},
    }


def singular(name: str) -> str:
    return f"{name[:-3]}y" if name.endswith("ies") else name.removesuffix("s")


def small(name: str) -> str:
    """Return it as it stands within a sentence: “SEPA” stays as it is."""
    return name if name[:2].isupper() else f"{name[:1].lower()}{name[1:]}"


def _paths(names: str, one: str, name: str, states: tuple[str, ...]) -> dict[str, Any]:
    thing, many = small(one), small(names)
    id = _parameter("id", "path", f"Of the {thing}.")
    limit = {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}
    pages = [
        _parameter("limit", "query", "How many at most.", limit),
        _parameter("cursor", "query", "Where the last page ended."),
    ]
    by_state = _parameter("state", "query", "Those in this state alone.", {"type": "string", "enum": [*states]})
    words = {**_parameter("q", "query", "Words, each of which is in it."), "required": True}
    again = _parameter("Idempotency-Key", "header", "Any text; the same for the same change.")
    listed = {"200": _answer("A page of them.", _list(name))}
    return {
        "/": {
            "get": _operation(names, f"List {many}", f"list{name}", listed, parameters=[by_state, *pages]),
            "post": _operation(
                names, f"Make a new {thing}", f"create{name}", {"201": _answer("It is made.", _ref(name))},
                parameters=[again], body=name,
            ),
        },
        "/search": {"get": _operation(names, f"Search {many}", f"search{name}", listed, parameters=[words, *pages])},
        "/{id}": {
            "parameters": [id],
            "get": _operation(names, f"Show the {thing}", f"get{name}", {"200": _answer("This is it.", _ref(name))}),
            "put": _operation(
                names, f"Change the {thing}", f"update{name}", {"200": _answer("It is changed.", _ref(name))}, body=name
            ),
        },
        "/{id}/history": {
            "parameters": [id],
            "get": _operation(
                "History", f"What has happened to the {thing}", f"history{name}",
                {"200": _answer("The newest first.", _list("Event"))}, parameters=pages,
            ),
        },
    }  # fmt: skip


def _operation(
    tag: str, summary: str, id: str, answers: dict[str, Any], *, parameters: list[Any] | None = None, body: str = ""
) -> dict[str, Any]:
    faults = {"400": "Something in it is wrong."} if body else {"404": "There is none."}
    refused = {status: _answer(text, _ref("Problem")) for status, text in (faults | {"429": "Too many."}).items()}
    operation = {"tags": [tag], "summary": summary, "operationId": id, "responses": {**answers, **refused}}
    if parameters:
        operation["parameters"] = parameters
    if body:
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": _ref(body)}}}
    return operation


def _parameter(name: str, place: str, description: str, schema: Schema | None = None) -> dict[str, Any]:
    made = {"name": name, "in": place, "description": description, "schema": schema or {"type": "string"}}
    return made | ({"required": True} if place == "path" else {})


def _answer(description: str, schema: Schema) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _list(name: str) -> Schema:
    properties = {"items": {"type": "array", "items": _ref(name)}, "cursor": {"type": "string", "nullable": True}}
    return {"type": "object", "properties": properties}


def _schemas(one: str, name: str, things: Things) -> dict[str, Schema]:
    id = {**_text("It stays the same for good.", "5f2c9a1e"), "readOnly": True}
    state = {"type": "string", "enum": [*things.states], "description": "How far it has come.", "readOnly": True}
    made_at = {**_moment("When it was made."), "readOnly": True}
    event = {"at": _moment("When."), "state": state, "note": _text("By whom, or why.", "Booked overnight")}
    return {
        name: {
            "type": "object",
            "description": f"The {small(one)} as it is now.",
            "required": [*things.fields][:2],
            "properties": {"id": id, "state": state, **things.fields, "made_at": made_at},
        },
        "Event": {"type": "object", "required": ["at", "state"], "properties": event},
        "Problem": PROBLEM,
    }

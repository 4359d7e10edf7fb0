"""The JSON API: what an operation is, how its request is read, and the forms of its answers.

An operation is declared once, where it is written; its declaration finds it, checks the request and makes its part
of the document at `/api/openapi.json`. `dashboard.machines` finds out who calls, and opens the scope.
"""

from orgs.machines.answers import Answer, Refusal, Streamed, not_found, ok
from orgs.machines.calls import Call, Everything, find
from orgs.machines.lists import Paged, page_of
from orgs.machines.operations import Access, Operation, operation

__all__ = [
    "Access",
    "Answer",
    "Call",
    "Everything",
    "Operation",
    "Paged",
    "Refusal",
    "Streamed",
    "find",
    "not_found",
    "ok",
    "operation",
    "page_of",
]

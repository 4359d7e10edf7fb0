"""Random requests made from the document: whatever is sent, the answer is one that the document names.

In the normal run there are a few for each operation; `make soak` tries many.
"""

import copy
import os
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.strategies import SearchStrategy
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.core.transport import Response
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from dashboard import machines
from dashboard.api import described
from dashboard.document import tag_of
from dashboard.rates import Rates
from orgs.machines import Access
from orgs.machines.operations import ROUTES
from orgs.proof.world import undone
from tests.conftest import World
from tests.machines import objects
from tests.machines.client import Machine, admin, content, machine_of

EXAMPLES = int(os.environ.get("SOAK_EXAMPLES", "30")) // 5
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
]


@pytest.fixture(autouse=True)
def no_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machines, "FAILURES", Rates(0, 0))
    monkeypatch.setattr(machines, "calls_of_credentials", lambda: Rates(0, 0))


def document_of(names: objects.Names) -> dict[str, Any]:
    """Return the document, with what exists among the values of the paths' parameters."""
    document = copy.deepcopy(described())
    for operation in ROUTES.operations:
        parameters = document["paths"][operation.path][operation.method.lower()]["parameters"]
        for kind, parameter in zip(objects.kinds_of(operation), parameters, strict=False):
            parameter["schema"] = {"anyOf": [{"const": names[kind]}, {"type": "string", "minLength": 1}]}
    return document


def sent(case: Case[Any], machine: Machine) -> Response:
    """Send the request to the application; return its answer as schemathesis reads one."""
    request = requests.Request(**case.as_transport_kwargs(base_url="http://testserver")).prepare()
    headers = {name: str(value) for name, value in request.headers.items() if name != "Content-Length"}
    kind = headers.pop("Content-Type", "application/octet-stream")
    path, body = str(request.path_url), request.body or b""
    answer: Any = machine.client.generic(
        str(request.method), path, body, content_type=kind, headers=headers | machine.headers
    )
    return Response(
        status_code=answer.status_code,
        headers={name: [value] for name, value in answer.headers.items()},
        content=content(answer),
        request=request,
        elapsed=0,
        verify=False,
    )


@pytest.mark.parametrize("tag", dict.fromkeys(map(tag_of, ROUTES.operations)))
def test_whatever_is_sent_the_answer_is_as_documented(world: World, tag: str) -> None:
    document = document_of(objects.make(world.acme, world.ann))
    schema = schemathesis.openapi.from_dict(document)
    key, secret = machine_of(world.ann), admin()
    faults = {}
    for operation in ROUTES.operations:
        if tag_of(operation) == tag:
            machine = secret if operation.access == Access.ADMIN_SECRET else key
            try:
                drive(schema[operation.path][operation.method].as_strategy(), machine)
            except FailureGroup as group:
                faults[f"{operation.method} {operation.path}"] = str(group)
    assert not faults, "\n\n".join(f"{name}: {fault}" for name, fault in faults.items())


def drive(cases: SearchStrategy[Case[Any]], machine: Machine) -> None:
    """Send some requests, always the same, and undo each."""

    @seed(1)
    @settings(
        max_examples=EXAMPLES, database=None, deadline=None, suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )  # fmt: skip
    @given(case=cases)
    def send(case: Case[Any]) -> None:
        with undone():
            response = sent(case, machine)
        case.validate_response(response, checks=CHECKS)

    send()

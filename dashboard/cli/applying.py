"""Carries out a plan, one call after another; what was changed since the plan was made is left alone."""

from collections.abc import Callable
from urllib.parse import quote

from dashboard.cli import documents
from dashboard.cli.client import CHANGED_MEANWHILE, Client
from dashboard.cli.documents import Body, Document, Kind, document_of, is_same
from dashboard.cli.failures import Failure
from dashboard.cli.kinds import everything
from dashboard.cli.planning import Action, Plan, Step

APIS, OAS_APIS, POLICIES = "/api/apis", "/api/apis/oas", "/api/portal/policies"


def saved_documents(client: Client) -> list[Document]:
    """Return all APIs and policies of the server."""
    found = [document_of(item) for kind in ("apis", "policies") for item in everything(client, kind)]
    if None in found:
        raise Failure("The server has an API or policy that this command does not understand.")
    return [document for document in found if document]


def run(client: Client, plan: Plan, done: Callable[[int], None]) -> None:
    """Do each step, and stop at the first that is refused: the next run goes on from there."""
    api_ids = dict(plan.api_ids)
    for number, step in enumerate(plan.steps):
        try:
            take(client, step, api_ids)
        except Failure as failure:
            where = step.document.file or str(step.document)
            message = f"{where}: {failure.message}"
            if number:
                message += f"\n{number} of {len(plan.steps)} were done; run it again to go on."
            raise Failure(message, failure.code) from None
        done(1)


def take(client: Client, step: Step, api_ids: dict[str, str]) -> None:
    found = step.document
    if found.kind is Kind.POLICY:
        found = documents.with_apis(found, api_ids)
    match step.action:
        case Action.CREATE if found.kind is Kind.API:
            create_api(client, found, api_ids)
        case Action.CREATE:
            client.post(POLICIES, sent(found))
        case Action.CHANGE:
            client.put(address(found), sent(found), etag=unchanged(client, step))
        case Action.DELETE:
            client.delete(address(found), etag=unchanged(client, step))


def create_api(client: Client, api: Document, api_ids: dict[str, str]) -> None:
    """Create it and keep the id that it got: the one that it came with may be another's."""
    reply = client.post(OAS_APIS if api.is_oas else APIS, sent(api)).document
    got = reply.get("ID") if isinstance(reply, dict) else None
    if not got or not isinstance(got, str):
        raise Failure("The server has not said which id the API got.")
    if api.id and api.id != got:
        api_ids[api.id] = got


def unchanged(client: Client, step: Step) -> str | None:
    """Return the ETag of what the plan was made from; a failure if it has been changed since."""
    reply = client.get(address(step.document, to_read=True))
    now, planned = document_of(reply.document), step.present
    if planned is None or now is None or not is_same(planned, now):
        raise Failure(CHANGED_MEANWHILE)
    return reply.etag


def address(document: Document, *, to_read: bool = False) -> str:
    if document.kind is Kind.POLICY:
        return f"{POLICIES}/{quote(document.id, safe='')}"
    return f"{OAS_APIS if document.is_oas and not to_read else APIS}/{quote(document.id, safe='')}"


def sent(document: Document) -> Body:
    """Return the body of the call: a classic definition with what wraps it."""
    if document.kind is Kind.POLICY or document.is_oas:
        return document.body
    return {"api_definition": document.body, **document.beside}

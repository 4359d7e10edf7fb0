"""What stands in the paths of operations: objects that exist."""

import re
from collections.abc import Mapping
from typing import cast

from apis.models import Api, Certificate, OAuthClient, Webhook
from apis.services import create_oas_api
from keys.models import Key, Policy
from orgs import scope
from orgs.ids import new_id
from orgs.machines import Operation
from orgs.models import AuditEntry, Organisation
from orgs.services import set_gateway_session
from portal.models import Developer, Documentation, KeyRequest, Page
from tests.walls.walk import fill
from users.models import Group, User

Names = Mapping[str, str]
# What clients choose freely: it is nobody's. Some parameters are known by how their names end.
FREELY = {"text": "somebody", "Day": "28", "Month": "11", "Year": "2026", "facet": "keys"}
# What a parameter is, by the path before it.
PARAMETERS = {
    "/api/apis": "api",
    "/api/apis/oas": "oas api",
    "/api/apis/oauth": "oauth api",
    "/api/apis/oauth/{}": "oauth client",
    "/api/apis/{}/keys": "key",
    "/api/apis/keys/basic": "text",
    "/api/activity/keys": "text",
    "/api/activity/keys/aggregate": "text",
    "/api/activity/oauthid": "text",
    "/api/audit-logs": "auditentry",
    "/api/certs": "certificate",
    "/api/hooks": "webhook",
    "/api/keys": "key",
    "/api/portal/developers": "developer",
    "/api/portal/developers/email": "email",
    "/api/portal/developers/password": "developer",
    "/api/portal/developers/ssokey": "sso key",
    "/api/portal/developers/{}/keys": "developer key",
    "/api/portal/documentation": "documentation",
    "/api/portal/pages": "page",
    "/api/portal/policies": "policy",
    "/api/portal/requests": "keyrequest",
    "/api/portal/requests/approve": "keyrequest",
    "/api/usage/apis": "text",
    "/api/usergroups": "group",
    "/api/users": "user",
    "/admin/organisations": "organisation",
    "/admin/org/keys": "organisation",
    "/admin/users": "user",
}


def make(organisation: Organisation, person: User) -> Names:
    """Make one object of each kind; return what clients call them."""
    objects = fill(organisation, person)
    request = cast(KeyRequest, objects[KeyRequest])
    certificate, client = cast(Certificate, objects[Certificate]), cast(OAuthClient, objects[OAuthClient])
    with scope.opened(scope.of(organisation.id)):
        oas = create_oas_api(document=oas_document(f"/{organisation.slug}-oas/"))
        set_gateway_session(organisation=organisation, session={"rate": 100, "per": 1})
        documentation = Documentation.objects.create(text='{"openapi": "3.0.3"}')
        developer, sso_key = request.application.developer, new_id()
        developer.email, developer.extra = f"dev@{organisation.slug}.example", {"sso_key": sso_key}
        developer.save()
        key = cast(Key, request.key)
    return {
        **FREELY,
        "oas api": oas.pk,
        "oauth api": client.api_id,
        "oauth client": client.client_id,
        "documentation": documentation.pk,
        "email": developer.email,
        "sso key": sso_key,
        "developer key": key.hash,
        "certificate": f"{organisation.pk}{certificate.fingerprint}",
        **{
            model.__name__.lower(): str(objects[model].pk)
            for model in (Api, AuditEntry, Key, Policy, Webhook, Group, User, Organisation, Developer, KeyRequest, Page)
        },
    }


def oas_document(listen_path: str) -> dict[str, object]:
    return {
        "openapi": "3.0.3",
        "info": {"title": "Orders", "version": "1"},
        "paths": {"/orders": {"get": {"responses": {"200": {"description": "ok"}}}}},
        "x-tyk-api-gateway": {
            "info": {"name": "Orders", "state": {"active": True}},
            "upstream": {"url": "https://orders.example"},
            "server": {"listenPath": {"value": listen_path, "strip": True}},
        },
    }


def kinds_of(operation: Operation) -> list[str]:
    """Return what each parameter of the path is, in their order."""
    kinds = []
    for match in re.finditer(r"{(\w+)}", operation.path):
        before = re.sub(r"{\w+}", "{}", operation.path[: match.start()]).rstrip("/")
        free = next((ending for ending in FREELY if match[1].endswith(ending)), None)
        kind = free or PARAMETERS.get(before)
        assert kind, f"{operation.method} {operation.path}: add to PARAMETERS what comes after {before}."
        kinds.append(kind)
    return kinds


def path_with(operation: Operation, values: list[str]) -> str:
    """Return the operation's path with these values for its parameters."""
    parts = iter(values)
    return re.sub(r"{\w+}", lambda _: next(parts), operation.path)


def path_of(operation: Operation, names: Names) -> str:
    return path_with(operation, [names[kind] for kind in kinds_of(operation)])


def never(name: str) -> str:
    """Return a name like this one that nothing ever had. What clients choose freely stays: it is nobody's."""
    return name[::-1] if re.fullmatch("[0-9a-f]{24,}", name) else name

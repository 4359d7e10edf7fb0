"""What the pages of one API show: its header, tabs and facts."""

import json
import shlex
from typing import Any

from django.shortcuts import get_object_or_404
from django.urls import reverse

from apis import definition as definitions
from apis import services
from apis.definition import Authentication
from apis.models import Api
from apis.oauth_clients.services import takes_clients
from apis.rules import RawDefinition, get
from orgs.display import when
from orgs.http import OrgRequest
from orgs.permissions import Level, ObjectKind, may

CREDENTIALS = {
    Authentication.KEYLESS: (),
    Authentication.BASIC: ("-u", "USER:PASSWORD"),
    Authentication.JWT: ("-H", "{header}: Bearer TOKEN"),
    Authentication.OAUTH2: ("-H", "{header}: Bearer TOKEN"),
    Authentication.OPENID: ("-H", "{header}: Bearer TOKEN"),
    Authentication.MUTUAL_TLS: ("--cert", "CERTIFICATE.pem", "--key", "KEY.pem"),
}
ANY_OTHER = ("-H", "{header}: KEY")


def find_api(id: str) -> Api:
    """Return the API without its OpenAPI document, which may be megabytes; 404 where it is not in scope."""
    return get_object_or_404(Api.objects.defer("openapi"), pk=id)


def pretty(api: Api) -> str:
    return json.dumps(definitions.parse(api.definition), indent=2, ensure_ascii=False)


def document(api: Api) -> dict[str, Any]:
    text: dict[str, Any] = json.loads(api.openapi)
    return text


def pretty_document(api: Api) -> str:
    return json.dumps(document(api), indent=2, ensure_ascii=False)


def page(request: OrgRequest, api: Api, tab: str) -> dict[str, Any]:
    """Return the context of `apis/detail.html`."""
    return {
        "api": api,
        "page_title": api.name,
        "tab": tab,
        "tabs": _tabs(request, api, tab),
        "may_write": may(request, ObjectKind.APIS, Level.WRITE),
        "has_target": services.has_target(api),
    }


def _tabs(request: OrgRequest, api: Api, current: str) -> list[tuple[str, str, bool]]:
    own = reverse("apis:detail", kwargs={"id": api.pk})
    keys = f"{request.site.prefix}/keys/?api={api.pk}"
    has_clients = may(request, ObjectKind.OAUTH_CLIENTS, Level.READ) and takes_clients(api)
    has_document = Api.objects.filter(pk=api.pk).exclude(openapi="").exists()
    tabs = [
        ("detail", "Overview", own, True),
        ("definition", "Definition", f"{own}definition/", True),
        ("openapi", "OpenAPI document", f"{own}openapi/", has_document),
        ("gateways", "Where it runs", f"{own}gateways/", True),
        ("use", "Use", f"{own}use/", may(request, ObjectKind.ANALYTICS, Level.READ)),
        ("keys", "Keys", keys, may(request, ObjectKind.KEYS, Level.READ)),
        ("oauth_clients", "OAuth clients", f"{own}oauth-clients/", has_clients or current == "oauth_clients"),
        ("history", "History", f"{own}history/", may(request, ObjectKind.AUDIT, Level.READ)),
    ]
    return [(label, url, name == current) for name, label, url, is_shown in tabs if is_shown]


def facts(api: Api) -> list[dict[str, Any]]:
    definition = definitions.parse(api.definition)
    basics = definitions.basics_of(definition)
    state = "active" if api.is_active else "inactive"
    target = services.without_password(api.target_url) if services.has_target(api) else "none yet"
    return [
        {"label": "State", "value": state, "state": state},
        *([{"label": "Form", "value": "OpenAPI", "state": "openapi"}] if api.is_oas else []),
        {"label": "Listen path", "value": api.listen_path, "is_code": True},
        *([{"label": "Domain", "value": api.domain, "is_code": True}] if api.domain else []),
        {"label": "Target", "value": target, "is_code": services.has_target(api)},
        {"label": "Authentication", "value": Authentication(api.authentication).label},
        {"label": "Rate limit", "value": _rate(basics["rate"], basics["per"])},
        {"label": "Tags", "value": ", ".join(api.tags)},
        {"label": "API ID", "value": api.api_id, "is_code": True},
        {"label": "ID", "value": api.pk, "is_code": True},
        {"label": "Created", "value": when(api.created_at)},
        {"label": "Last changed", "value": when(api.updated_at)},
        *([{"label": "Try it", "value": curl(definition), "is_code": True}] if api.is_active else []),
    ]


def curl(definition: RawDefinition) -> str:
    """Return a line for a shell; the capitals are for the reader to fill in."""
    header = get(definition, "auth", "auth_header_name") or "Authorization"
    words = CREDENTIALS.get(definitions.authentication_of(definition), ANY_OTHER)
    host = get(definition, "domain") or "your-gateway"
    address = f"https://{host}{get(definition, 'proxy', 'listen_path')}"
    return shlex.join(["curl", *(word.replace("{header}", header) for word in words), address])


def _rate(rate: float, per: float) -> str:
    return f"{rate:,g} requests in {per:,g} s, over all keys" if rate > 0 and per > 0 else "no limit"


def openapi_facts(text: str) -> list[dict[str, Any]]:
    document = json.loads(text)
    info = document["info"]
    return [
        {"label": "Title", "value": info["title"]},
        {"label": "Version", "value": info["version"]},
        {"label": "OpenAPI", "value": document["openapi"]},
        {"label": "Servers", "value": ", ".join(server["url"] for server in document.get("servers", []))},
        {"label": "Paths", "value": f"{len(document.get('paths', {})):,}"},
        {"label": "Size", "value": f"{len(text.encode()):,} bytes"},
    ]

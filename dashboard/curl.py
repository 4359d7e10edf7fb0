"""The commands that do with curl what a page does: the mapping from pages to operations, and how a command is written.

Nothing in a command means anything to a shell: of what people typed only letters, digits and `-._~` stay as they are.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

from dashboard.machines import is_our_host
from orgs.http import OrgRequest
from orgs.sites import Kind

KEY = "authorization: $COMMONHOLD_KEY"
SECRET = "admin-auth: $ADMIN_SECRET"  # noqa: S105 - a variable of the shell
PLACES = {"after", "before"}  # where a page begins, which is numbers of pages to machines


@dataclass(frozen=True)
class Parameter:
    """What the operation calls a filter of the page, and those of its values that have other names there."""

    name: str
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Counterpart:
    """The GET that answers with what a page shows. `query` is by the names of the page's own query string."""

    path: str
    query: Mapping[str, Parameter] = field(default_factory=dict)


WORDS = Parameter("q")
STATE = Parameter("active", {"active": "1", "inactive": "0"})
BY_AGE = {"newest": "-created_at", "oldest": "created_at"}
SORT_OF_APIS = Parameter("sort", BY_AGE | {"path": "listen_path", "-path": "-listen_path"})
SORT_OF_USERS = Parameter("sort", BY_AGE | {"email": "email_address", "-email": "-email_address"})
SORT_OF_DEVELOPERS = Parameter("sort", {"newest": "-date_created", "oldest": "date_created"})
COUNTERPARTS = {
    "apis:list": Counterpart(
        "/api/apis", {"q": WORDS, "sort": SORT_OF_APIS, "state": STATE, "authentication": Parameter("auth_type")}
    ),
    "apis:detail": Counterpart("/api/apis/{id}"),
    "keys_with_use": Counterpart("/api/keys/detailed", {"q": WORDS, "sort": Parameter("sort", BY_AGE)}),
    "keys:detail": Counterpart("/api/keys/{id}"),
    "policies:list": Counterpart(
        "/api/portal/policies", {"q": WORDS, "sort": Parameter("sort", BY_AGE), "state": STATE}
    ),
    "policies:detail": Counterpart("/api/portal/policies/{id}"),
    "certificates:list": Counterpart("/api/certs/details", {"sort": Parameter("sort", BY_AGE)}),
    "certificates:detail": Counterpart("/api/certs/{id}"),
    "webhooks:list": Counterpart("/api/hooks"),
    "webhooks:edit": Counterpart("/api/hooks/{id}"),
    "apis:oauth_clients": Counterpart("/api/apis/oauth/{id}"),
    "users:list": Counterpart("/api/users", {"q": WORDS, "sort": SORT_OF_USERS}),
    "users:detail": Counterpart("/api/users/{id}"),
    "users:groups": Counterpart("/api/usergroups"),
    "users:group": Counterpart("/api/usergroups/{id}"),
    "portal_managing:settings": Counterpart("/api/portal/configuration"),
    "portal_managing:catalogue": Counterpart("/api/portal/catalogue"),
    "portal_managing:developers": Counterpart("/api/portal/developers", {"sort": SORT_OF_DEVELOPERS}),
    "portal_managing:developer": Counterpart("/api/portal/developers/{id}"),
    "portal_managing:requests": Counterpart("/api/portal/requests"),
    "portal_managing:request": Counterpart("/api/portal/requests/{id}"),
    "portal_managing:pages": Counterpart("/api/portal/pages"),
    "orgs:audit": Counterpart("/api/audit-logs"),
}


def command_for(request: OrgRequest) -> str:
    """Return the command for this page; nothing where no command would answer with the same.

    So it is with filters that the operation has not, and on visits: there a list would be of every organisation.
    """
    match = request.resolver_match
    counterpart = COUNTERPARTS.get(match.view_name) if match and request.site.kind == Kind.ORGANISATION else None
    given = {name: str(value) for name, value in request.GET.items() if value and name not in PLACES}
    if match is None or counterpart is None or given.keys() - counterpart.query.keys():
        return ""
    query = {}
    for name, value in given.items():
        parameter = counterpart.query[name]
        query[parameter.name] = parameter.values.get(value, value)
    return command(request, "GET", counterpart.path.format_map(match.kwargs), query=query)


def command(
    request: OrgRequest,
    method: str,
    path: str,
    *,
    query: Mapping[str, str] | None = None,
    credential: str = KEY,
    body: str = "",
) -> str:
    """Return the command for a shell; the credential comes from the environment."""
    words = ["curl"]
    if method != "GET":
        words.append(f"-X {method}")
    if credential:
        words.append(f'-H "{credential}"')
    if body:
        words.append(f"--data-binary {body}")
    address = base_of(request) + quote(path) + (f"?{urlencode(query)}" if query else "")
    return " ".join((*words, f'"{address}"'))


def base_of(request: OrgRequest) -> str:
    """Machines are answered at the installation's own hosts, not at an organisation's domain."""
    return f"{request.scheme}://{request.get_host()}" if is_our_host(request) else "$COMMONHOLD_URL"

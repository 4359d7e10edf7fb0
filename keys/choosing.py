"""Choosing the APIs of a key in a form, with their versions and paths, in an organisation of any size.

The choice lives in the form alone: what is ticked comes back with each sending, so that a search keeps it.
Who may write keys sees the names of APIs here without the permission to read APIs: a key names them too.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import QuerySet
from django.http import QueryDict

from apis.models import Api, ApiTerm
from keys.errors import NoSuchApi
from keys.paths import METHODS, AllowedUrl, BadAllowedUrl, check_allowed_url
from keys.rights import ApiAccess, own_apis
from orgs import search
from orgs.ids import is_id

SHOWN = 25


@dataclass(frozen=True)
class Choice:
    """An API in the form. `versions` are (name, is ticked); empty where there is nothing to choose."""

    id: str
    name: str
    is_active: bool
    is_chosen: bool
    versions: list[tuple[str, bool]]
    paths: str

    @property
    def is_narrowed(self) -> bool:
        return bool(self.paths) or any(is_ticked for _, is_ticked in self.versions)


@dataclass(frozen=True)
class Choices:
    """What the form shows: everything chosen, then what the search finds; without one, the first by name."""

    chosen: list[Choice]
    others: list[Choice]
    search: str
    has_search: bool


def accesses_in(data: QueryDict) -> tuple[ApiAccess, ...]:
    """Read the ticked APIs. Raises NoSuchApi or BadAllowedUrl."""
    return tuple(_access(data, id) for id in dict.fromkeys(data.getlist("apis")))


def choice_of(accesses: Iterable[ApiAccess]) -> QueryDict:
    """Write the accesses of a key as the form would send them."""
    data = QueryDict(mutable=True)
    for access in accesses:
        data.appendlist("apis", access.api_id)
        data.setlist(f"versions-{access.api_id}", list(access.versions))
        data[f"paths-{access.api_id}"] = "\n".join(map(path_line, access.allowed_urls))
    return data


def choices(data: QueryDict) -> Choices:
    ids = [id for id in dict.fromkeys(data.getlist("apis")) if is_id(id)]
    text = data.get("api_q", "")
    others = search.matching(Api.objects.exclude(pk__in=ids), ApiTerm, "api_id", text)
    found = _shown(others.order_by("sort_name", "id")[: SHOWN + 1], data)
    chosen = _shown(Api.objects.filter(pk__in=ids).order_by("sort_name", "id"), data)
    return Choices(chosen=chosen, others=found[:SHOWN], search=text, has_search=bool(text) or len(found) > SHOWN)


def parse_paths(text: str, *, where: str = "Paths") -> tuple[AllowedUrl, ...]:
    """Read one path a line, "GET,POST ^/orders"; without methods it is for all.

    Raises BadAllowedUrl with the line.
    """
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    return tuple(_path(line, f"{where}, line {number}") for number, line in lines)


def path_line(path: AllowedUrl) -> str:
    return path.url if path.methods == METHODS else f"{','.join(path.methods)} {path.url}"


def _access(data: QueryDict, id: str) -> ApiAccess:
    if not is_id(id):
        raise NoSuchApi("APIs: one of the chosen APIs does not exist. Choose again.")
    return ApiAccess(id, tuple(data.getlist(f"versions-{id}")), parse_paths(data.get(f"paths-{id}", "")))


def _path(line: str, where: str) -> AllowedUrl:
    first, _, rest = line.partition(" ")
    methods = tuple(dict.fromkeys(first.upper().split(",")))
    path = AllowedUrl(rest.strip(), methods) if rest and set(methods) <= set(METHODS) else AllowedUrl(line, METHODS)
    try:
        check_allowed_url(path)
    except BadAllowedUrl as error:
        raise BadAllowedUrl(f"{where}: {error}") from None
    return path


def _shown(apis: QuerySet[Api], data: QueryDict) -> list[Choice]:
    ids = set(data.getlist("apis"))
    return [
        Choice(
            id=id,
            name=api.name,
            is_active=api.is_active,
            is_chosen=id in ids,
            versions=[(name, name in data.getlist(f"versions-{id}")) for name in api.versions]
            if len(api.versions) > 1
            else [],
            paths=data.get(f"paths-{id}", ""),
        )
        for id, api in own_apis(apis).items()
    ]

"""What is kept beside an API: categories, owners, and where it answers. The same for both forms."""

from typing import Any

import msgspec
from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Count, F, Func, QuerySet

from apis import services
from apis.api.finding import find_api
from apis.models import Api
from orgs.machines import Answer, Call, ok, operation
from orgs.machines.answers import Envelope
from orgs.permissions import Level, ObjectKind

READ, WRITE = (ObjectKind.APIS, Level.READ), (ObjectKind.APIS, Level.WRITE)
NOT_FOUND = "API not found"


class Owners(msgspec.Struct, rename={"user_ids": "userIds", "group_ids": "userGroupIds"}):
    """Who is noted as an owner. It gives nobody a right."""

    user_ids: list[str] | None = None
    group_ids: list[str] | None = None


class Categories(msgspec.Struct):
    categories: list[str] | None


class CategoryCount(msgspec.Struct):
    name: str
    count: int


class CategoryCounts(msgspec.Struct):
    categories: list[CategoryCount]


class Urls(msgspec.Struct, rename={"url": "ApiURL", "path": "BasePath", "host": "Host"}):
    """`Host` is the API's own; without one it answers at every host of a gateway, and `ApiURL` is the path alone."""

    url: str
    path: str
    host: str


GROUPS = {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}}}


def by_category() -> "QuerySet[Any, Any]":
    each = Func(F("categories"), function="unnest", set_returning=True)
    return Api.objects.order_by().annotate(category=each).values("category")


@operation("GET", "/api/apis/categories", "All categories of APIs", access=READ, answers=CategoryCounts)
def count_categories(call: Call[Any, None]) -> CategoryCounts:
    counted = by_category().annotate(count=Count("pk")).order_by("category").values_list("category", "count")
    return CategoryCounts([CategoryCount(name, count) for name, count in counted])


@operation("GET", "/api/apis/groups", "The API IDs of each category", access=READ, answers=GROUPS)
def group_apis(call: Call[Any, None]) -> dict[str, list[str]]:
    grouped = by_category().annotate(apis=ArrayAgg("api_id", order_by="api_id")).order_by("category")
    return dict(grouped.values_list("category", "apis"))


@operation(
    "GET", "/api/apis/{id}/categories", "The categories of an API", access=READ, answers=Categories, refusals=(404,)
)
def get_categories(call: Call[Any, None], id: str) -> Categories:
    return Categories(find_api(call, id, NOT_FOUND).categories)


@operation(
    "PUT", "/api/apis/{id}/categories", "Replace the categories of an API", access=WRITE, body=Categories,
    answers=Envelope, refusals=(404,),
)  # fmt: skip
def set_categories(call: Call[Any, Categories], id: str) -> Answer:
    services.set_categories(api=find_api(call, id, NOT_FOUND), categories=call.body.categories or [])
    return ok("API categories updated.")


@operation("GET", "/api/apis/{id}/access", "The owners of an API", access=READ, answers=Owners, refusals=(404,))
def get_owners(call: Call[Any, None], id: str) -> Owners:
    api = find_api(call, id, NOT_FOUND)
    return Owners(api.user_owners, api.group_owners)


@operation(
    "PUT", "/api/apis/{id}/access", "Replace the owners of an API", access=WRITE, body=Owners, answers=Envelope,
    refusals=(404,),
)  # fmt: skip
def set_owners(call: Call[Any, Owners], id: str) -> Answer:
    api = find_api(call, id, NOT_FOUND)
    services.set_owners(api=api, user_ids=call.body.user_ids or [], group_ids=call.body.group_ids or [])
    return ok("API access updated")


@operation("GET", "/api/apis/{id}/url", "Where an API answers", access=READ, answers=Urls, refusals=(404,))
def get_url(call: Call[Any, None], id: str) -> Urls:
    api = find_api(call, id)
    scheme = "https" if api.domain else ""
    return Urls(f"{scheme}://{api.domain}{api.listen_path}" if scheme else api.listen_path, api.listen_path, api.domain)

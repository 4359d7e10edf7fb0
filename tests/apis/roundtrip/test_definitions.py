import json
from collections.abc import Iterator
from typing import Any

from apis import services
from apis.models import Api
from apis.tyk_fields import DEFINITION, EXTENDED_PATHS, Kind, ListOf, MapOf, Scalar
from tests.apis.roundtrip import FILES, make_certificates, read
from tests.conftest import World

# It runs code on gateways, so no definition may have an entry of it.
REFUSED = EXTENDED_PATHS["virtual"]
IDS = {"id", "api_id", "org_id"}


def without_ids(definition: dict[str, Any]) -> dict[str, Any]:
    return {field: value for field, value in definition.items() if field not in IDS}


def test_each_definition_comes_back_as_it_went_in(in_acme: World) -> None:
    make_certificates()
    for file in FILES:
        sent = read(file, organisation=in_acme.acme.id)
        api = services.create_api(definition=sent)
        stored = json.loads(Api.objects.get(pk=api.pk).definition)
        assert json.dumps(without_ids(stored)) == json.dumps(without_ids(sent)), file.name
        assert {stored[field] for field in IDS} == {api.id, api.api_id, in_acme.acme.id}
    assert Api.objects.count() == len(FILES) == 45


def test_definitions_keep_the_ids_that_they_brought(in_acme: World) -> None:
    make_certificates()
    for file in FILES[:3]:
        sent = read(file, organisation=in_acme.acme.id)
        api = services.create_api(definition=sent)
        assert (api.id, api.api_id) == (sent["id"], sent["api_id"])


def known(kind: Kind) -> Iterator[tuple[int, str]]:
    """Yield each field of the table, as the object that has it and its name."""
    if isinstance(kind, ListOf | MapOf):
        if kind is not REFUSED:
            yield from known(kind.item)
    elif not isinstance(kind, Scalar):
        for field, inner in kind.items():
            yield id(kind), field
            yield from known(inner)


def used(kind: Kind, value: Any) -> Iterator[tuple[int, str]]:
    if value is None or isinstance(kind, Scalar):
        return
    if isinstance(kind, ListOf):
        for item in value:
            yield from used(kind.item, item)
    elif isinstance(kind, MapOf):
        for item in value.values():
            yield from used(kind.item, item)
    else:
        for field in kind.keys() & value.keys():
            yield id(kind), field
            yield from used(kind[field], value[field])


def test_together_they_use_every_field_that_gateways_know() -> None:
    seen = {field for file in FILES for field in used(DEFINITION, read(file))}
    assert {name for owner, name in set(known(DEFINITION)) - seen} == set()


def test_some_have_fields_that_the_table_does_not_know() -> None:
    fields = {field for file in FILES for field in read(file)}
    assert {"x_team", "base_api_id", "external_oauth"} <= fields - DEFINITION.keys()

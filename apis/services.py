"""What changes API definitions. Each function is one transaction with its audit line, in the open scope."""

import re
import secrets
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from apis import definition as definitions
from apis import jsontext, openapi
from apis.definition import DefinitionError
from apis.jsontext import Problem
from apis.models import Api, ApiTerm
from apis.rules import RawDefinition
from orgs import audit, scope, search
from orgs.ids import is_id, new_id
from orgs.models import Organisation

KIND = "apis"
COMPUTED = [field.name for field in Api._meta.concrete_fields if field.generated]


class ListenPathTaken(ValueError):
    """Names the API that has the path where it is the organisation's own, and else says nothing of it."""

    def __init__(self, path: str, *, own: Api | None) -> None:
        whose = f"“{own.name}” listens there already" if own else "It is not available"
        super().__init__(f"The listen path {path} cannot be used. {whose}. Choose another one.")


REFUSALS = (openapi.OpenAPIError, DefinitionError, ListenPathTaken)


class ChangedMeanwhile(Exception):
    """Somebody saved the API after the form was made; `saved` is what they left."""

    def __init__(self, saved: Api) -> None:
        super().__init__("The API was changed meanwhile.")
        self.saved = saved


class _IdTaken(Exception):
    pass


def create_api(*, definition: RawDefinition, openapi_text: str = "") -> Api:
    """Create an API of the organisation in scope. Raises DefinitionError or ListenPathTaken.

    The ids that it came with are kept when they are well-formed and free in the whole installation,
    else replaced without a word: whether another organisation has one is nobody's business.
    """
    _require_valid(definition)
    wanted = definition.get("id") or "", definition.get("api_id") or ""
    try:
        return _create(definition, openapi_text, *wanted)
    except _IdTaken:
        return _create(definition, openapi_text, "", "")


@transaction.atomic
def _create(definition: RawDefinition, openapi_text: str, id: str, api_id: str) -> Api:
    api = Api(id=id if is_id(id) else new_id(), openapi=openapi_text)
    _save(api, _fill(api, definition, api_id or secrets.token_hex(16)), force_insert=True)
    audit.record("created", kind=KIND, obj=api)
    return api


@transaction.atomic
def update_api(*, api: Api, definition: RawDefinition, revision: int) -> Api:
    """Replace the definition; `revision` is the one that the change was made from.

    Raises ChangedMeanwhile, DefinitionError or ListenPathTaken.
    """
    saved = _locked(api)
    if saved.revision != revision:
        raise ChangedMeanwhile(saved)
    _require_valid(definition)
    before = definitions.parse(saved.definition)
    after = _replace(saved, definition)
    audit.record("changed", kind=KIND, obj=saved, changes=_changes(before, after))
    return saved


@transaction.atomic
def set_active(*, api: Api, is_active: bool) -> Api:
    """Let gateways serve the API, or not. Only to be served must the definition be valid by today's rules."""
    saved = _locked(api)
    definition = definitions.parse(saved.definition) | {"active": is_active}
    if is_active:
        _require_valid(definition)
    _replace(saved, definition)
    audit.record("activated" if is_active else "deactivated", kind=KIND, obj=saved)
    return saved


@transaction.atomic
def delete_api(*, api: Api) -> None:
    """Delete the API and every key's access to it; a key that named no other API then opens nothing."""
    audit.record("deleted", kind=KIND, obj=api)
    api.delete()


def import_text(data: bytes | str, *, target_url: str | None = None, listen_path: str | None = None) -> Api:
    """Create an API from an OpenAPI document or a classic definition, whichever it is.

    Raises OpenAPIError, DefinitionError or ListenPathTaken, each with a sentence.
    """
    raw = openapi.load(data)
    if definitions.is_tyk_definition(raw):
        return create_api(definition=_led(definitions.unwrap(raw), target_url, listen_path))
    document = openapi.document_of(raw)
    definition = openapi.to_definition(document, slug_prefix=_organisation_slug(), target_url=target_url)
    return create_api(definition=_led(definition, target_url, listen_path), openapi_text=document.text)


def read_definition(text: str, *, api: Api) -> RawDefinition:
    """Read what was typed as this API's definition, and return it with its ids.

    Raises DefinitionError, each problem with its line.
    """
    definition = definitions.load(text, **_walls())
    own = {"id": api.id, "api_id": api.api_id, "org_id": api.organisation_id}
    problems = [
        Problem(f"{field} cannot be changed: leave it at “{value}”, or leave it out.", (field,))
        for field, value in own.items()
        if definition.get(field) not in (None, "", value)
    ]
    if problems:
        raise DefinitionError(jsontext.locate(text, problems))
    return definitions.seal(definition, **own)


def _walls() -> dict[str, Any]:
    """What the rules need to know of the organisation and the installation."""
    return {"org_id": scope.current_organisation_id(), "allow_loopback": settings.ALLOW_LOOPBACK_TARGETS}


def _require_valid(definition: RawDefinition) -> None:
    if problems := definitions.validate(definition, **_walls()):
        raise DefinitionError(problems)


def _led(definition: RawDefinition, target_url: str | None, listen_path: str | None) -> RawDefinition:
    """Return the definition with the addresses that the importer chose."""
    chosen = {key: value for key, value in (("target_url", target_url), ("listen_path", listen_path)) if value}
    return definition | {"proxy": definition["proxy"] | chosen} if isinstance(definition["proxy"], dict) else definition


def _locked(api: Api) -> Api:
    return Api.objects.select_for_update().defer("openapi").get(pk=api.pk)


def _replace(saved: Api, definition: RawDefinition) -> RawDefinition:
    after = _fill(saved, definition, saved.api_id)
    saved.revision += 1
    saved.updated_at = timezone.now()
    _save(saved, after)
    saved.refresh_from_db(fields=COMPUTED)
    return after


def _fill(api: Api, definition: RawDefinition, api_id: str) -> RawDefinition:
    sealed = definitions.seal(definition, api_id=api_id, id=api.id, org_id=scope.current_organisation_id())
    api.definition = definitions.compact(sealed)
    definitions.parse(api.definition)  # what is stored can be read again: within the limits, with its ids
    api.authentication = definitions.authentication_of(sealed)
    api.tags = list(dict.fromkeys(sealed.get("tags") or []))
    return sealed


def _save(api: Api, definition: RawDefinition, *, force_insert: bool = False) -> None:
    try:
        with transaction.atomic():
            api.save(force_insert=force_insert)
    except IntegrityError as error:
        match error.__cause__.diag.constraint_name:  # type: ignore[union-attr]
            case "apis_listen_path":
                raise _listen_path_taken(definition) from None
            case "apis_api_id" | "apis_api_pkey":
                raise _IdTaken from None
        raise
    _index(api, definition)


def _listen_path_taken(definition: RawDefinition) -> ListenPathTaken:
    path: str = definition["proxy"]["listen_path"]
    either_form = [path.rstrip("/"), f"{path.rstrip('/')}/"]
    domain = (definition.get("domain") or "").lower()
    return ListenPathTaken(path, own=Api.objects.filter(listen_path__in=either_form, domain=domain).first())


def _index(api: Api, definition: RawDefinition) -> None:
    """Write the words that the API is found by."""
    texts = (definition["name"], definition["proxy"]["listen_path"], api.id, definition["api_id"])
    ApiTerm.objects.filter(api=api).delete()
    ApiTerm.objects.bulk_create(ApiTerm(api=api, term=term) for term in search.terms(texts, tags=api.tags))


def _changes(before: RawDefinition, after: RawDefinition) -> dict[str, list[Any]]:
    """Values of what the form edits; of the rest only the names, since a definition may hold credentials."""
    edited = definitions.change(before, **definitions.basics_of(after))
    rest = {
        field for field in edited.keys() | after.keys() if (edited.get(field) or None) != (after.get(field) or None)
    }
    return audit.differences(_public(before), _public(after)) | {field: ["…", "…"] for field in sorted(rest)}


def _public(definition: RawDefinition) -> dict[str, Any]:
    basics: dict[str, Any] = {**definitions.basics_of(definition)}
    basics["target_url"] = without_password(basics["target_url"])
    return basics


def without_password(target_url: str) -> str:
    return re.sub(r"//[^/@]*@", "//…@", target_url) if "@" in target_url else target_url


def has_target(api: Api) -> bool:
    """Whether gateways could call the target: a document without a server has got a placeholder."""
    return bool(api.target_url != openapi.PLACEHOLDER)


def _organisation_slug() -> str:
    return Organisation.objects.get(pk=scope.current_organisation_id()).slug

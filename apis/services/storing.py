"""How an API gets into its row, its search words and the audit trail, whichever form it has."""

import json
import re
import secrets
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from apis import definition as definitions
from apis import oas, openapi, tags
from apis.certificates.services import missing_certificates
from apis.definition import DefinitionError
from apis.jsontext import Problem
from apis.models import Api, ApiTerm
from apis.rules import RawDefinition, get
from apis.services.errors import ApiIdTaken, ChangedMeanwhile, ListenPathTaken, NamedAsVersion, SameApiId
from apis.tyk_fields import wrong_type
from orgs import audit, scope, search
from orgs.ids import is_id, new_id
from orgs.models import Organisation

KIND = "apis"
COMPUTED = [field.name for field in Api._meta.concrete_fields if field.generated]


class _IdTaken(Exception):
    pass


def create(definition: RawDefinition, *, openapi_text: str = "", document: dict[str, Any] | None = None) -> Api:
    """Create an API of a definition that has been checked; `document` is what it was derived from.

    The ids that it came with are kept when they are well-formed and free in the whole installation,
    else replaced without a word: whether another organisation has one is nobody's business.
    """
    id, api_id = definition.get("id") or "", definition.get("api_id") or ""
    for kept in (id, ""):
        try:
            return _create(definition, openapi_text, document, kept, api_id)
        except _IdTaken:
            if own := Api.objects.filter(api_id=api_id).defer("openapi").first():
                raise SameApiId(own) from None
    return _create(definition, openapi_text, document, "", "")


@transaction.atomic
def _create(definition: RawDefinition, openapi_text: str, document: dict[str, Any] | None, id: str, api_id: str) -> Api:
    api = Api(id=id if is_id(id) else new_id(), openapi=openapi_text)
    sealed = _fill(api, definition, api_id or secrets.token_hex(16), document)
    _save(api, sealed, force_insert=True)
    audit.record("created", kind=KIND, obj=api)
    return api


def locked(api: Api, *, revision: int | None = None) -> Api:
    """Return the API as it is saved, for a change that was made from this revision. Raises ChangedMeanwhile."""
    saved = Api.objects.select_for_update().defer("openapi").get(pk=api.pk)
    if revision not in (None, saved.revision):
        raise ChangedMeanwhile(saved)
    return saved


def replace(saved: Api, definition: RawDefinition, *, document: dict[str, Any] | None = None) -> RawDefinition:
    """Save this in place of what is there; the same again is no new revision.

    An `api_id` is taken over: keys and policies name the row. Raises ListenPathTaken, SameApiId, ApiIdTaken or
    NamedAsVersion.
    """
    before = saved.definition, "" if document is None else saved.openapi
    after = _fill(saved, definition, definition.get("api_id") or saved.api_id, document)
    if before == (saved.definition, "" if document is None else saved.openapi):
        return after
    _refuse_open_doors(saved)
    if after["api_id"] != saved.api_id:
        refuse_while_named(saved)
    saved.revision += 1
    saved.updated_at = timezone.now()
    try:
        _save(saved, after)
    except _IdTaken:
        own = Api.objects.filter(api_id=after["api_id"]).defer("openapi").first()
        raise SameApiId(own) if own else ApiIdTaken(after["api_id"]) from None
    saved.refresh_from_db(fields=COMPUTED)
    return after


def _refuse_open_doors(saved: Api) -> None:
    """Refuse authentication that would take the name of a basic-auth user for a key; who knows it is no secret."""
    if saved.authentication in definitions.ASKING:
        return
    named = saved.keys.filter(revoked_at=None).exclude(username="").exists()
    applied = saved.policies.filter(applied__key__revoked_at=None, applied__key__username__gt="").exists()
    if named or applied:
        sentence = "Authentication: keys of basic-auth users open this API, and their names alone would be enough then."
        raise DefinitionError([Problem(f"{sentence} Revoke them first.")])


def refuse_while_named(saved: Api) -> None:
    """Raise NamedAsVersion where another API leads to this one's id, which would be free for every organisation."""
    for other in Api.objects.exclude(pk=saved.pk).filter(definition__contains=f'"{saved.api_id}"').defer("openapi"):
        versions = get(json.loads(other.definition), "definition", "versions")
        if isinstance(versions, dict) and saved.api_id in versions.values():
            raise NamedAsVersion(other)


def walls() -> dict[str, Any]:
    """What the rules need to know of the organisation and the installation."""
    return {"org_id": scope.current_organisation_id(), "allow_loopback": settings.ALLOW_LOOPBACK_TARGETS}


def require_valid(definition: RawDefinition, *, api_id: str = "", before: RawDefinition | None = None) -> None:
    """Refuse what the rules refuse, what names certificates or APIs that are not the organisation's own, and tags that
    it may not have. `before` is what is saved in its place: to switch an API off, its tags need not be changed.
    """
    problems = definitions.validate(definition, **walls())
    problems = problems or [*missing_certificates(definition), *foreign_versions(definition, api_id=api_id)]
    if not problems and not (before and switches_off(before, definition)):
        problems = tags.problems_of(get(definition, "tags") or [])
    if problems:
        raise DefinitionError(problems)


def switches_off(before: RawDefinition, after: RawDefinition) -> bool:
    was, now = definitions.basics_of(before), definitions.basics_of(after)
    return was["active"] and not now["active"] and was["tags"] == now["tags"]


def foreign_versions(definition: RawDefinition, *, api_id: str) -> list[Problem]:
    """Gateways send a call to the API that a version names, without asking whose it is.

    `api_id` is what the definition's own API has been called until now.
    """
    versions = get(definition, "definition", "versions")
    if not versions:
        return []
    if not isinstance(versions, dict):
        return [wrong_type(("definition", "versions"), "an object", versions)]
    asked = Api.objects.filter(api_id__in=[str(named) for named in versions.values()])
    own = {"", *asked.values_list("api_id", flat=True)} - {api_id} | {definition.get("api_id") or api_id}
    message = "definition.versions.{} must be the API ID of an API of this organisation."
    foreign = (name for name, named in versions.items() if str(named) not in own)
    return [Problem(message.format(name), ("definition", "versions", name)) for name in foreign]


def _fill(api: Api, definition: RawDefinition, api_id: str, document: dict[str, Any] | None) -> RawDefinition:
    ids = {"id": api.id, "api_id": api_id, "org_id": scope.current_organisation_id()}
    if document is not None:  # whether it came with ids must not show in what is derived
        definition = {field: value for field, value in definition.items() if field not in definitions.OURS}
    sealed = definitions.seal(definition, **ids)
    if document is not None:
        api.openapi = definitions.compact(oas.seal_oas(document, **ids))
        openapi.load(api.openapi)
        sealed["is_oas"] = True
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
            case "apis_listen_path" | "apis_listen_path_apart" | "apis_listen_path_at_domain":
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


def changes(before: RawDefinition, after: RawDefinition) -> dict[str, list[Any]]:
    """Values of what the form edits; of the rest only the names, since a definition may hold credentials."""
    edited = definitions.change(before, **definitions.basics_of(after))
    rest = {
        field for field in edited.keys() | after.keys() if (edited.get(field) or None) != (after.get(field) or None)
    }
    hidden = {field: ["…", "…"] for field in sorted(rest - {"api_id"})}
    return audit.differences(_public(before), _public(after)) | hidden


def document_of(saved: Api) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(saved.openapi)
    return document


def _public(definition: RawDefinition) -> dict[str, Any]:
    basics: dict[str, Any] = {**definitions.basics_of(definition), "api_id": definition["api_id"]}
    basics["target_url"] = without_password(basics["target_url"])
    return basics


def organisation_slug() -> str:
    return Organisation.objects.get(pk=scope.current_organisation_id()).slug


def without_password(target_url: str) -> str:
    return re.sub(r"//[^/@]*@", "//…@", target_url) if "@" in target_url else target_url

"""The session object as clients of the JSON API send and read it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any, cast

from django.db.models import Q

from apis.jsontext import Path, Problem, dotted
from apis.tyk_fields import type_problems
from keys import credentials, session
from keys.errors import MISSING_API, MISSING_POLICY, BadSession, BadSetting, NoSuchApi, NoSuchOrganisation, NoSuchPolicy
from keys.models import Key, Policy
from keys.paths import AllowedUrl, BadAllowedUrl, check_allowed_url
from keys.rights import ApiAccess, accesses_of, named_apis, spec_of, specs_of
from keys.session import UNLIMITED, BadLimit, Limit, OwnApi, check_limit
from keys.session_fields import (
    ACCESS_RIGHT,
    LIMIT,
    OWN_ACCESS_FIELDS,
    OWN_LIMIT_FIELDS,
    OWN_SESSION_FIELDS,
    SESSION,
    empty_access_right,
    empty_limit,
    empty_session,
)
from keys.settings import KeySettings, refuse_crowd
from orgs import scope
from orgs.ids import is_id

MOST_PROBLEMS = 100
MOST_NAMED = 5_000  # by all sessions of a call: asking for hundreds of thousands takes seconds
LAST_SECOND = int(datetime(9999, 12, 31, tzinfo=UTC).timestamp())


class SessionSettings(KeySettings, total=False):
    """What `services.create_key` and `update_key` take; the secrets are empty where the session has none."""

    password: str
    hmac_string: str
    jwt_secret: str


@dataclass(frozen=True)
class Known:
    """What sessions may name: an API and the id of its row by its `api_id`, the id of a policy's row by either id."""

    organisation_id: str
    apis: Mapping[str, tuple[str, OwnApi]]
    policies: Mapping[str, str]


def session_json(key: Key, *, shows_secrets: bool = False, known: str = "") -> dict[str, Any]:
    """Return the key's session object without its secrets.

    `shows_secrets` is for the one answer to who made them; `known` are those from before, sealed, which are not shown
    again. A password is never shown.
    """
    (spec,) = specs_of([key])
    return session.document(spec) | (_secrets(key, known) if shows_secrets else {})


def session_made(key: Key, settings: SessionSettings, known: Known) -> dict[str, Any]:
    """Return the session object, with its secrets, of a key just made of these settings: nothing is asked for again."""
    spec = spec_of(key, settings["accesses"], settings["policies"], dict(known.apis.values()))
    return session.document(spec) | _secrets(key)


def _secrets(key: Key, known: str = "") -> dict[str, Any]:
    secrets, before = credentials.unsealed(key.sealed), credentials.unsealed(known)
    shown = ("jwt_data", "hmac_string")
    return {name: secrets[name] for name in shown if name in secrets and secrets[name] != before.get(name)}


def as_meant(sent: SessionSettings, key: Key) -> SessionSettings:
    """Return what a client changes that sends this in place of the key's session, and leave what it was shown.

    The session object writes out what a key says in a word: all APIs, all versions of one. It knows whole seconds.
    """
    shown = settings_of_session(session_json(key))
    written, own = _by_api(shown["accesses"]), _by_api(accesses_of(key))
    meant = cast(SessionSettings, {name: value for name, value in sent.items() if value != shown.get(name)})
    if _by_api(sent["accesses"]) == written:
        return cast(SessionSettings, {name: value for name, value in meant.items() if name != "accesses"})
    kept = [own.get(each.api_id, each) if each == written.get(each.api_id) else each for each in sent["accesses"]]
    return {**meant, "accesses": kept, "has_all_apis": False}


def _by_api(accesses: Iterable[ApiAccess]) -> dict[str, ApiAccess]:
    return {access.api_id: access for access in accesses}


def sessions_json(keys: Iterable[Key]) -> Iterator[tuple[Key, dict[str, Any]]]:
    """Yield each key with its session object without secrets: a few queries, however many they are."""
    keys = list(keys)
    return ((key, session.document(spec)) for key, spec in zip(keys, specs_of(keys), strict=True))


def known_to(documents: Iterable[Any]) -> Known:
    """Look up what all these sessions name, unchecked as they are, in at most two queries."""
    api_ids, policies = set[str](), set[str]()
    for document in documents:
        if isinstance(document, dict):
            refuse_crowd(document)
            api_ids |= _texts(document.get("access_rights"))
            policies |= _texts(document.get("apply_policies")) | _texts([document.get("apply_policy_id")])
    if len(api_ids) > MOST_NAMED or len(policies) > MOST_NAMED:
        raise BadSetting(f"Name at most {MOST_NAMED:,} different APIs and as many policies at once.")
    meant = Q(pk__in=[id for id in policies if is_id(id)]) | Q(explicit_id__in=policies)
    rows = list(Policy.objects.filter(meant).order_by().values_list("id", "explicit_id")) if policies else []
    return Known(
        scope.current_organisation_id(),
        {api.api_id: (id, api) for id, api in named_apis(api_ids=api_ids).items()} if api_ids else {},
        {explicit_id: id for id, explicit_id in rows if explicit_id} | {id: id for id, _ in rows},
    )


def settings_of_session(document: Any, known: Known | None = None) -> SessionSettings:
    """Read a session object, which says everything: what it leaves out becomes as gateways take it.

    To a gateway a quota of 0 is none and a rate of -1 no limit, and so they are here. An alias that is missing stays,
    or is made up. Raises BadSession with the place of each problem, or a NoSuch for what the organisation lacks.
    """
    if isinstance(document, dict):
        refuse_crowd(document)
    problems = list(islice(type_problems(document, SESSION), MOST_PROBLEMS))
    if problems:
        raise BadSession(problems)
    known = known or known_to([document])
    if document.get("org_id") not in (None, "", known.organisation_id):
        raise NoSuchOrganisation
    limit = _limit(document, (), problems)
    settings = SessionSettings(
        accesses=_accesses(document.get("access_rights") or {}, known, problems),
        has_all_apis=False,
        policies=_policies(document, known),
        rate=limit.rate,
        per_s=limit.per_s,
        quota_max=limit.quota_max,
        quota_window_s=limit.quota_window_s,
        expires_at=_moment(document.get("expires") or 0, problems),
        is_disabled=document.get("is_inactive") is True,
        tags=[tag or "" for tag in document.get("tags") or []],  # as gateways read null
        metadata=document.get("meta_data") or {},
        extra=_extra(document, OWN_SESSION_FIELDS, SESSION, empty_session()),
        password=(document.get("basic_auth_data") or {}).get("password") or "",
        hmac_string=document.get("hmac_string") or "",
        jwt_secret=(document.get("jwt_data") or {}).get("secret") or "",
    )
    if document.get("alias"):
        settings["alias"] = document["alias"]
    if problems:
        raise BadSession(problems)
    return settings


def _texts(values: Any) -> set[str]:
    """Return what could be an id: PostgreSQL takes no NUL."""
    if not isinstance(values, dict | list):
        return set()
    return {value for value in values if isinstance(value, str) and value and value.isprintable()}


def _policies(document: Mapping[str, Any], known: Known) -> list[str]:
    references = [*(document.get("apply_policies") or []), document.get("apply_policy_id")]
    try:
        return list(dict.fromkeys(known.policies[reference] for reference in references if reference))
    except KeyError:
        raise NoSuchPolicy(MISSING_POLICY) from None


def _accesses(rights: Mapping[str, Any], known: Known, problems: list[Problem]) -> list[ApiAccess]:
    if not rights.keys() <= known.apis.keys():
        raise NoSuchApi(MISSING_API)
    return [_access(api_id, right or {}, known, problems) for api_id, right in rights.items()]


def _access(api_id: str, right: Mapping[str, Any], known: Known, problems: list[Problem]) -> ApiAccess:
    path: Path = ("access_rights", api_id)
    id, own = known.apis[api_id]
    versions = tuple(version or "" for version in right.get("versions") or ())
    if right.get("api_id") not in (None, "", api_id):
        problems.append(problem_at((*path, "api_id"), f"must be {api_id}, the name of its entry."))
    if not versions and len(own.versions) > 1:
        # To a gateway it would open none of them, and to us all.
        problems.append(problem_at((*path, "versions"), "must name at least one version."))
    urls = enumerate(right.get("allowed_urls") or ())
    limit = right.get("limit") or {}
    return ApiAccess(
        id,
        versions,
        tuple(allowed_url(url or {}, (*path, "allowed_urls", at), problems) for at, url in urls),
        _limit(limit, (*path, "limit"), problems) if any(limit.values()) else None,
        _extra(right, OWN_ACCESS_FIELDS, ACCESS_RIGHT, empty_access_right()),
    )


def allowed_url(allowed: Mapping[str, Any], path: Path, problems: list[Problem]) -> AllowedUrl:
    url = AllowedUrl(allowed.get("url") or "", tuple(allowed.get("methods") or ()))
    try:
        check_allowed_url(url)
    except BadAllowedUrl as error:
        problems.append(problem_at(path, str(error)))
    return url


def _limit(fields: Mapping[str, Any], path: Path, problems: list[Problem]) -> Limit:
    rate, per_s, quota_max = fields.get("rate") or 0, fields.get("per") or 0, fields.get("quota_max") or UNLIMITED
    limit = Limit(
        0 if rate == -1 else rate,
        0 if per_s == -1 else per_s,
        quota_max,
        max(0, fields.get("quota_renewal_rate") or 0),
        _extra(fields, OWN_LIMIT_FIELDS, LIMIT, empty_limit()) if path else {},
    )
    try:
        check_limit(limit)
    except BadLimit as error:
        problems.append(problem_at((*path, "quota_max" if str(error).startswith("Quota") else "rate"), str(error)))
    return limit


def _moment(seconds: int, problems: list[Problem]) -> datetime | None:
    if seconds > LAST_SECOND:
        problems.append(problem_at(("expires",), f"must be at most {LAST_SECOND}."))
    return datetime.fromtimestamp(min(seconds, LAST_SECOND), UTC) if seconds > 0 else None


def _extra(
    fields: Mapping[str, Any], own: frozenset[str], types: Mapping[str, Any], usual: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the fields that no setting is for, but for those that say what goes without saying."""
    return {
        name: value
        for name, value in fields.items()
        if name not in own and not (name in types and (value is None or value == usual.get(name)))
    }


def problem_at(path: Path, sentence: str) -> Problem:
    return Problem(f"{dotted(path)}: {sentence}", path)

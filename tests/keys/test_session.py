import json
import math
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.paths import METHODS, AllowedUrl, BadAllowedUrl, check_allowed_url
from keys.session import (
    Access,
    BadLimit,
    EffectiveAccess,
    ForeignApi,
    KeySpec,
    KeyState,
    Limit,
    LimitSource,
    NoAccess,
    OwnApi,
    Reason,
    SessionError,
    build,
    check_limit,
    effective_access,
    full_access,
    state_at,
)

ACME = "a" * 24
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
NOON_UNIX = 1_772_366_400
ORDERS = OwnApi("orders1", "Orders", ("v1", "v2"), is_active=True)
BILLS = OwnApi("bills1", "Bills", ("Default",), is_active=False)
ACMES = ("orders1", "bills1")
ORDERS_PATHS = (AllowedUrl("^/orders", ("GET", "POST")),)

SPEC = KeySpec(
    organisation_id=ACME,
    alias="Warehouse",
    accesses=(
        Access("orders1", "Orders", ("v1",), ORDERS_PATHS, Limit(5, 1, quota_max=50, quota_window_s=60)),
        Access("bills1", "Bills", ("Default",)),
    ),
    created_at=NOON - timedelta(days=1),
    updated_at=NOON,
    limit=Limit(100, 10, quota_max=1000, quota_window_s=3600),
    expires_at=NOON + timedelta(days=30),
    tags=("gold",),
    metadata={"team": "logistics"},
)


def test_session_has_every_field_of_the_gateway_in_its_order() -> None:
    expected = {
        "last_check": 0,
        "allowance": 100.0,
        "rate": 100.0,
        "per": 10.0,
        "throttle_interval": -1.0,
        "throttle_retry_limit": -1,
        "max_query_depth": -1,
        "date_created": "2026-02-28T12:00:00Z",
        "expires": NOON_UNIX + 30 * 86400,
        "quota_max": 1000,
        "quota_renews": NOON_UNIX + 3600,
        "quota_remaining": 1000,
        "quota_renewal_rate": 3600,
        "access_rights": {
            "orders1": {
                "api_name": "Orders",
                "api_id": "orders1",
                "versions": ["v1"],
                "allowed_urls": [{"url": "^/orders", "methods": ["GET", "POST"]}],
                "restricted_types": [],
                "limit": {
                    "rate": 5.0,
                    "per": 1.0,
                    "throttle_interval": -1.0,
                    "throttle_retry_limit": -1,
                    "max_query_depth": -1,
                    "quota_max": 50,
                    "quota_renews": NOON_UNIX + 60,
                    "quota_remaining": 50,
                    "quota_renewal_rate": 60,
                },
                "allowance_scope": "orders1",
            },
            "bills1": {
                "api_name": "Bills",
                "api_id": "bills1",
                "versions": ["Default"],
                "allowed_urls": [],
                "restricted_types": [],
                "limit": None,
                "allowance_scope": "",
            },
        },
        "org_id": ACME,
        "oauth_client_id": "",
        "oauth_keys": {},
        "certificate": "",
        "basic_auth_data": {"password": "", "hash_type": ""},
        "jwt_data": {"secret": ""},
        "hmac_enabled": False,
        "enable_http_signature_validation": False,
        "hmac_string": "",
        "rsa_certificate_id": "",
        "is_inactive": False,
        "apply_policy_id": "",
        "apply_policies": [],
        "data_expires": 0,
        "monitor": {"trigger_limits": []},
        "enable_detail_recording": False,
        "enable_detailed_recording": False,
        "meta_data": {"team": "logistics"},
        "tags": ["gold"],
        "alias": "Warehouse",
        "last_updated": str(NOON_UNIX),
        "id_extractor_deadline": 0,
        "session_lifetime": 0,
    }
    # As text: it tells the order, and 1 from 1.0.
    assert json.dumps(build(SPEC, organisation_api_ids=ACMES)) == json.dumps(expected)


def test_further_fields_take_their_places_and_unknown_ones_follow() -> None:
    limit = Limit(5, 1, extra={"throttle_interval": 3, "smoothing": {"enabled": True}})
    access = Access("orders1", "Orders", ("v1",), limit=limit, extra={"restricted_types": [1], "endpoints": []})
    extra = {"oauth_client_id": "app", "post_expiry_action": "retain"}
    secrets = {"hmac_string": "secret"}
    spec = replace(SPEC, accesses=(access,), policies=("p1", "p2"), extra=extra, secrets=secrets)
    plain = build(replace(SPEC, accesses=(Access("orders1", "Orders", ("v1",)),)), organisation_api_ids=ACMES)
    built = build(spec, organisation_api_ids=ACMES)
    assert list(built) == [*plain, "post_expiry_action"]
    assert {name: value for name, value in built.items() if value != plain.get(name)} == {
        "access_rights": built["access_rights"],
        "apply_policies": ["p1", "p2"],
        **extra,
        **secrets,
    }
    right = built["access_rights"]["orders1"]
    assert list(right) == [*plain["access_rights"]["orders1"], "endpoints"]
    assert [right["restricted_types"], right["endpoints"]] == [[1], []]
    assert [right["limit"][name] for name in ("rate", "throttle_interval", "smoothing")] == [5, 3, {"enabled": True}]


def test_secrets_of_a_key_stay_out_of_its_repr() -> None:
    assert "hunter22" not in repr(replace(SPEC, secrets={"hmac_string": "hunter22"}))


@pytest.mark.parametrize("name", ["tyk_developer_id", "rate_limit_pattern", "policies"])
def test_metadata_that_gateways_obey_is_refused(name: str) -> None:
    with pytest.raises(SessionError, match=f"'{name}' is reserved"):
        build(replace(SPEC, metadata={name: []}), organisation_api_ids=ACMES)


def test_session_without_limits_and_expiry_is_unlimited_and_lasts() -> None:
    built = build(replace(SPEC, limit=Limit(), expires_at=None), organisation_api_ids=ACMES)
    fields = ("rate", "quota_max", "quota_remaining", "quota_renews", "expires")
    assert [built[name] for name in fields] == [0.0, -1, -1, 0, 0]


def test_session_times_do_not_depend_on_the_zone() -> None:
    elsewhere = timezone(timedelta(hours=5, minutes=30))
    created_at, updated_at = SPEC.created_at.astimezone(elsewhere), SPEC.updated_at.astimezone(elsewhere)
    moved = replace(SPEC, created_at=created_at, updated_at=updated_at)
    assert build(moved, organisation_api_ids=ACMES) == build(SPEC, organisation_api_ids=ACMES)


@pytest.mark.parametrize("year", [1, 1969, 1970])
def test_expiry_long_ago_is_not_never(year: int) -> None:
    spec = replace(SPEC, expires_at=datetime(year, 1, 1, tzinfo=UTC))
    assert build(spec, organisation_api_ids=ACMES)["expires"] == 1


@pytest.mark.parametrize("name", ["created_at", "updated_at", "expires_at"])
def test_session_refuses_a_moment_without_a_zone(name: str) -> None:
    change = {name: datetime(2026, 3, 1)}
    with pytest.raises(ValueError, match="no time zone"):
        build(replace(SPEC, **change), organisation_api_ids=ACMES)  # type: ignore[arg-type]


@pytest.mark.parametrize("change", [{"is_disabled": True}, {"revoked_at": NOON}])
def test_session_of_a_stopped_key_is_inactive(change: dict[str, object]) -> None:
    built = build(replace(SPEC, **change), organisation_api_ids=ACMES)  # type: ignore[arg-type]
    assert built["is_inactive"] is True


def test_session_without_access_is_refused() -> None:
    with pytest.raises(NoAccess, match="opens no API"):
        build(replace(SPEC, accesses=()), organisation_api_ids=ACMES)


def test_access_without_versions_is_refused() -> None:
    with pytest.raises(NoAccess, match="no version of Orders"):
        build(replace(SPEC, accesses=(Access("orders1", "Orders", ()),)), organisation_api_ids=ACMES)


@pytest.mark.parametrize("api_ids", [("orders1",), ()])
def test_foreign_api_is_refused_without_telling_of_it(api_ids: tuple[str, ...]) -> None:
    with pytest.raises(ForeignApi) as refusal:
        build(SPEC, organisation_api_ids=api_ids)
    assert str(refusal.value) == "The key names an API that does not exist."


def test_key_of_no_organisation_is_refused() -> None:
    with pytest.raises(ForeignApi, match="no organisation"):
        build(replace(SPEC, organisation_id=""), organisation_api_ids=ACMES)


def test_api_named_twice_is_refused() -> None:
    with pytest.raises(SessionError, match="named twice"):
        build(replace(SPEC, accesses=SPEC.accesses + SPEC.accesses[:1]), organisation_api_ids=ACMES)


def test_build_checks_paths_and_own_limits() -> None:
    lenient = Access("orders1", "Orders", ("v1",), (AllowedUrl("(?=x)", ("GET",)),))
    with pytest.raises(BadAllowedUrl):
        build(replace(SPEC, accesses=(lenient,)), organisation_api_ids=ACMES)
    limitless = Access("orders1", "Orders", ("v1",), limit=Limit(quota_max=0))
    with pytest.raises(BadLimit):
        build(replace(SPEC, accesses=(limitless,)), organisation_api_ids=ACMES)


@pytest.mark.parametrize("limit", [Limit(), Limit(1, 1), Limit(1.5, 60), Limit(quota_max=1), Limit(5, 1, 10, 3600)])
def test_sensible_limit_is_accepted(limit: Limit) -> None:
    check_limit(limit)


@pytest.mark.parametrize(
    ("limit", "place"),
    [
        (Limit(-1, 1), "Rate"),
        (Limit(0.5, 1), "Rate"),
        (Limit(math.nan, 1), "Rate"),
        (Limit(math.inf, 1), "Rate"),
        (Limit(10, 0), "Rate: give a period"),
        (Limit(10, 0.5), "Rate: give a period"),
        (Limit(0, math.nan), "Rate: give a period"),
        (Limit(0, math.inf), "Rate: give a period"),
        (Limit(quota_max=0), "Quota"),
        (Limit(quota_max=-2), "Quota"),
        (Limit(quota_max=2**63), "Quota"),
        (Limit(quota_max=5, quota_window_s=-1), "Quota: give a window"),
        (Limit(quota_max=5, quota_window_s=2**63), "Quota: give a window"),
    ],
)
def test_limit_that_a_gateway_would_misread_is_refused(limit: Limit, place: str) -> None:
    with pytest.raises(BadLimit, match=place):
        check_limit(limit)


def test_full_access_is_written_out() -> None:
    assert full_access([ORDERS, BILLS]) == (
        Access("orders1", "Orders", ("v1", "v2")),
        Access("bills1", "Bills", ("Default",)),
    )


def test_full_access_to_no_api_is_no_key() -> None:
    with pytest.raises(NoAccess):
        build(replace(SPEC, accesses=full_access([]), has_all_apis=True), organisation_api_ids=ACMES)


@given(st.sets(st.sampled_from("abcdef")), st.sets(st.sampled_from("abcdef")))
def test_session_never_opens_an_api_outside_the_organisation(named: set[str], own: set[str]) -> None:
    spec = replace(SPEC, accesses=tuple(Access(api_id, api_id, ("v1",)) for api_id in sorted(named)))
    if named and named <= own:
        assert build(spec, organisation_api_ids=own)["access_rights"].keys() == named
    else:
        with pytest.raises((NoAccess, ForeignApi)):
            build(spec, organisation_api_ids=own)


def test_effective_access_tells_what_and_why() -> None:
    assert effective_access(SPEC, [ORDERS, BILLS], now=NOON) == [
        EffectiveAccess(
            api_id="orders1",
            api_name="Orders",
            reason=Reason.NAMED,
            versions=("v1",),
            allowed_urls=ORDERS_PATHS,
            limit=Limit(5, 1, quota_max=50, quota_window_s=60),
            limit_source=LimitSource.API,
            is_api_active=True,
            key_state=KeyState.ACTIVE,
        ),
        EffectiveAccess(
            api_id="bills1",
            api_name="Bills",
            reason=Reason.NAMED,
            versions=("Default",),
            allowed_urls=(),
            limit=Limit(100, 10, quota_max=1000, quota_window_s=3600),
            limit_source=LimitSource.KEY,
            is_api_active=False,
            key_state=KeyState.ACTIVE,
        ),
    ]


def test_effective_access_works_only_with_an_active_api_and_key() -> None:
    later = SPEC.expires_at
    assert later is not None
    assert [entry.works for entry in effective_access(SPEC, [ORDERS, BILLS], now=NOON)] == [True, False]
    assert [entry.works for entry in effective_access(SPEC, [ORDERS, BILLS], now=later)] == [False, False]


def test_effective_access_of_a_deleted_api_does_not_work() -> None:
    assert [entry.works for entry in effective_access(SPEC, [], now=NOON)] == [False, False]


def test_effective_access_names_full_access_as_the_reason() -> None:
    spec = replace(SPEC, accesses=full_access([ORDERS]), has_all_apis=True)
    assert [entry.reason for entry in effective_access(spec, [ORDERS], now=NOON)] == [Reason.ALL_APIS]


SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("is_disabled", "expires_at", "revoked_at", "state"),
    [
        (False, None, None, KeyState.ACTIVE),
        (False, NOON + SECOND, None, KeyState.ACTIVE),
        (False, NOON, None, KeyState.EXPIRED),
        (False, NOON - SECOND, None, KeyState.EXPIRED),
        (True, None, None, KeyState.DISABLED),
        (True, NOON - SECOND, None, KeyState.DISABLED),
        (True, NOON - SECOND, NOON, KeyState.REVOKED),
    ],
)
def test_state_of_a_key(
    is_disabled: bool, expires_at: datetime | None, revoked_at: datetime | None, state: KeyState
) -> None:
    assert state_at(NOON, is_disabled=is_disabled, expires_at=expires_at, revoked_at=revoked_at) is state


@pytest.mark.parametrize(
    "url",
    [
        "/orders",
        r"^/orders/\d+$",
        "/users/[0-9a-f]{24}/keys/[0-9a-f]{24}",
        "^/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$",
        "(?i)^/a(?:b|c)*",
        r"/a\.json",
        "/größe",
        ".*",
    ],
)
def test_ordinary_path_is_accepted(url: str) -> None:
    check_allowed_url(AllowedUrl(url, METHODS))


@pytest.mark.parametrize(
    "url",
    [
        *("", "x" * 501, "/a\nb", "/a\x00", "\ud800"),
        *("/orders(", "[z-a]", "*", "a{2,1}", "a\\", "(" * 400),
        *("(?=a)", "(?!a)", "(?<=a)b", "(?P<x>a)(?P=x)", "(?>a)", "(?x)a", "a(?i:b)", r"(a)\1"),
        *("a*+", "a{2}+", "[[:alpha:]]", r"[\b]", r"a\Z", r"\u0041"),
        *("a{1001}", "((a{10}){10}){11}", "(a{999}){999}", "a{,9999999999999999999999}"),
    ],
)
def test_path_that_a_gateway_may_not_compile_is_refused(url: str) -> None:
    with pytest.raises(BadAllowedUrl, match=re.escape(f"Path {url[:60]!r}")):
        check_allowed_url(AllowedUrl(url, ("GET",)))


@pytest.mark.parametrize("methods", [(), ("get",), ("GET", "FETCH"), ("",)])
def test_unknown_methods_are_refused(methods: tuple[str, ...]) -> None:
    with pytest.raises(BadAllowedUrl, match="choose methods"):
        check_allowed_url(AllowedUrl("/orders", methods))


@given(st.text(st.sampled_from("a/(?:i)[^]{2,}*+|\\d.$-<=!"), max_size=30))
def test_checking_any_path_gives_a_sentence_or_an_expression(url: str) -> None:
    try:
        check_allowed_url(AllowedUrl(url, ("GET",)))
    except BadAllowedUrl as refusal:
        assert str(refusal).startswith("Path ")  # noqa: PT017
    else:
        re.compile(url)

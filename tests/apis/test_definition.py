import string
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apis import definition
from apis.definition import Authentication, Basics, DefinitionError, RawDefinition

ORG = "a" * 24
OTHER_ORG = "b" * 24
BASICS = Basics(
    name="Weather",
    listen_path="/acme/weather/",
    target_url="https://weather.example/v1",
    authentication=Authentication.TOKEN,
    rate=10,
    per=60,
    tags=["public"],
    active=True,
)

STORABLE = st.text(st.characters(exclude_characters="\0", codec="utf-8"))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | STORABLE,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(STORABLE, inner, max_size=4),
    max_leaves=20,
)
FIELDS = st.sampled_from([*definition.build(**BASICS), "id", "CORS", "custom_middleware", "jwt_source"])
NAMES = st.text(min_size=1, max_size=50).filter(str.strip)
WORDS = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=20)


def with_field(value: object, *path: str) -> RawDefinition:
    made = definition.build(**BASICS)
    part: Any = made
    for key in path[:-1]:
        part = part.setdefault(key, {})
    part[path[-1]] = value
    return made


def messages(raw: RawDefinition, **options: Any) -> list[str]:
    return [problem.message for problem in definition.validate(raw, **options)]


def test_build_makes_the_smallest_definition_that_is_served() -> None:
    assert definition.build(**BASICS) == {
        "name": "Weather",
        "slug": "weather",
        "active": True,
        "auth": {"auth_header_name": "Authorization"},
        "version_data": {"not_versioned": True, "versions": {"Default": {"name": "Default"}}},
        "proxy": {
            "listen_path": "/acme/weather/",
            "target_url": "https://weather.example/v1",
            "strip_listen_path": True,
        },
        "global_rate_limit": {"rate": 10, "per": 60},
        "use_standard_auth": True,
        "tags": ["public"],
    }


@given(
    name=NAMES.filter(lambda name: "tyk:" not in name.lower() and "://" not in name and "$" not in name),
    path=WORDS,
    host=WORDS.filter(lambda word: not word.isdigit() and not word.startswith("0x")),
    kind=st.sampled_from(sorted(definition.SWITCHES)),
    rate=st.integers(0, 10**6),
    active=st.booleans(),
)
def test_what_build_makes_is_valid_and_reads_back(
    name: str, path: str, host: str, kind: Authentication, rate: int, active: bool
) -> None:
    basics = Basics(
        name=name,
        listen_path=f"/{path}/",
        target_url=f"http://{host}.example/",
        authentication=kind,
        rate=rate,
        per=60 if rate else 0,
        tags=[path],
        active=active,
    )
    made = definition.build(**basics)
    assert definition.validate(made) == []
    assert definition.basics_of(made) == basics


@given(st.dictionaries(st.text(min_size=1).map(lambda key: f"x_{key}"), JSON))
def test_change_keeps_what_the_form_does_not_know(unknown: dict[str, Any]) -> None:
    before = definition.build(**BASICS) | unknown | {"proxy": {"listen_path": "/", "odd": unknown}}
    kept = deepcopy(before)
    after = definition.change(before, **(BASICS | {"name": "Rain"}))
    assert repr(before) == repr(kept)
    assert repr({key: after[key] for key in unknown}) == repr(unknown)
    assert repr(after["proxy"]["odd"]) == repr(unknown)
    assert after["name"] == "Rain"


def test_change_with_its_own_basics_changes_nothing() -> None:
    before = definition.build(**BASICS) | {
        "use_basic_auth": True,
        "auth_configs": {"basic": {"use_cookie": True}},
    }
    assert definition.basics_of(before)["authentication"] is Authentication.MULTIPLE
    assert definition.change(before, **definition.basics_of(before)) == before


def test_change_of_authentication_turns_all_other_switches_off() -> None:
    before = definition.build(**BASICS) | {"use_basic_auth": True, "use_go_plugin_auth": True}
    after = definition.change(before, **(BASICS | {"authentication": Authentication.JWT}))
    assert definition.authentication_of(after) is Authentication.JWT
    assert (after["use_standard_auth"], after["use_basic_auth"], after["use_go_plugin_auth"]) == (False,) * 3


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        ({}, Authentication.TOKEN),
        ({"use_keyless": True, "use_standard_auth": True}, Authentication.KEYLESS),
        ({"use_go_plugin_auth": True}, Authentication.PLUGIN),
        ({"use_openid": True, "enable_jwt": True}, Authentication.MULTIPLE),
    ],
)
def test_authentication_is_read_as_a_gateway_does(raw: RawDefinition, kind: Authentication) -> None:
    assert definition.authentication_of(raw) is kind


def test_seal_overwrites_the_ids_in_every_spelling() -> None:
    before = {"org_id": OTHER_ORG, "Org_ID": OTHER_ORG, "aPI_id": "x", "name": "Weather"}
    sealed = definition.seal(before, api_id="c" * 32, id="d" * 24, org_id=ORG)
    assert sealed == {"org_id": ORG, "name": "Weather", "id": "d" * 24, "api_id": "c" * 32}


def test_compact_keeps_order_and_letters() -> None:
    assert definition.compact({"b": "Grüße", "a": [1, None]}) == '{"b":"Grüße","a":[1,null]}'


@given(st.dictionaries(STORABLE, JSON))
def test_compact_and_parse_give_back_what_went_in(raw: RawDefinition) -> None:
    assert definition.parse(definition.compact(raw)) == raw


@given(st.text())
def test_parse_of_any_text_raises_nothing_but_its_own_error(text: str) -> None:
    try:
        definition.parse(text)
        said = "."
    except DefinitionError as error:
        said = str(error)
    assert said.endswith(".")


@given(JSON)
def test_validate_of_any_json_returns_sentences(raw: Any) -> None:
    assert all(message.endswith(".") for message in messages(raw))
    assert messages(raw) != []


@given(st.dictionaries(FIELDS, JSON))
def test_validate_of_any_field_values_returns_sentences(fields: RawDefinition) -> None:
    assert all(message.endswith(".") for message in messages(definition.build(**BASICS) | fields))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{"a": 1,\n "a": 2}', "Line 2: The key “a” stands twice in one object."),
        ('{"x": {"a": 1},\n "y": {"a": 1,\n "a": 2}}', "Line 3: The key “a” stands twice in one object."),
        ('{"a":\n NaN}', "Line 2: NaN is not a number that JSON and gateways know."),
        ('{"a":\n 1e999}', "Line 2: 1e999 is not a number that JSON and gateways know."),
        ('{"a": 1,\n}', "Line 2: This is not JSON: Expecting property name enclosed in double quotes."),
        ('{"a": 1,\n"a2": "\\u0000"}', "Line 2: a2 holds a NUL or half a surrogate pair, which cannot be stored."),
        ('{"a": "\\ud800"}', "a holds a NUL or half a surrogate pair, which cannot be stored."),
        ('{"a":\n"\0"}', "Line 2: A NUL or half a surrogate pair cannot be stored."),
        ("[]", "Line 1: The definition must be a JSON object, in braces."),
        ("[" * 100_000, "The document is nested more than 64 levels deep."),
        ("[" * 65 + "]" * 65, f"The document is nested more than 64 levels deep (at {'.'.join('0' * 64)})."),
        ('"' + "x" * 2_000_000 + '"', "The definition is larger than 2 MB."),
    ],
)
def test_parse_refuses_with_a_sentence_that_names_the_place(text: str, sentence: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        definition.parse(text)
    assert str(caught.value) == sentence


def test_load_gives_each_problem_its_line() -> None:
    text = '{\n"name": "x",\n"active": "yes",\n"proxy": {"listen_path": "/x/",\n  "target_url": 5}}'
    with pytest.raises(DefinitionError) as caught:
        definition.load(text)
    assert [(problem.place, problem.line, problem.column) for problem in caught.value.problems] == [
        ("active", 3, 1),
        ("proxy.target_url", 5, 3),
    ]


def test_load_gives_a_missing_field_the_line_of_what_should_hold_it() -> None:
    text = '{"name": "x",\n"version_data": {"versions": {"v1": {}}},\n"proxy": {"listen_path": "/x/"}}'
    with pytest.raises(DefinitionError) as caught:
        definition.load(text)
    assert [(problem.place, problem.line) for problem in caught.value.problems] == [("proxy.target_url", 3)]


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        (("active",), "yes", 'active must be true or false, not "yes".'),
        (("session_lifetime",), "60", "session_lifetime must be a whole number from -9223372036854775808"),
        (("session_lifetime",), True, "session_lifetime must be a whole number from -9223372036854775808"),
        (("session_lifetime",), 60.0, "session_lifetime must be a whole number from -9223372036854775808"),
        (("tags",), [1], "tags.0 must be a text, not 1."),
        (("proxy",), [], "proxy must be an object, not []."),
        (("CORS", "max_age"), "1", "CORS.max_age must be a whole number"),
        (("Org_ID",), ORG, "Org_ID must be written “org_id”: gateways read both as one."),
        (
            ("proxy", "Target_URL"),
            "x",
            "proxy.Target_URL must be written “target_url”: gateways read both as one.",
        ),
        (("or\u0261_id",), ORG, None),
        (("or\u212a",), ORG, None),
        (
            ("u\u017fe_keyless",),
            True,
            "u\u017fe_keyless must be written “use_keyless”: gateways read both as one.",
        ),
        (("auth_configs", "jwt", "use_param"), 1, "auth_configs.jwt.use_param must be true or false, not 1."),
        (("graphql", "last_schema_update"), "today", "graphql.last_schema_update must be a time"),
        (("tags",), None, None),
        (("of_a_newer_gateway",), {"x": [1]}, None),
    ],
)
def test_types_are_checked_as_a_gateway_decodes_them(
    path: tuple[str, ...], value: object, sentence: str | None
) -> None:
    found = messages(with_field(value, *path))
    assert found == [] if sentence is None else [one[: len(sentence)] for one in found] == [sentence]


@pytest.mark.parametrize(
    "path",
    [
        "",
        "x/",
        "/x y/",
        "/x?y",
        "/x#y",
        "/../x/",
        "/./x",
        "//x/",
        "/{id}/",
        "/x\n",
        "/%2e%2e/",
        "/tyk/keys",
        "/hello",
        "/é/",
    ],
)
def test_listen_path_that_gateways_would_misread_is_refused(path: str) -> None:
    found = definition.validate(with_field(path, "proxy", "listen_path"))
    assert [problem.place for problem in found] == ["proxy.listen_path"]


@pytest.mark.parametrize(
    "target",
    [
        *(
            "",
            "weather",
            "/v1",
            "ftp://x.example/",
            "http://",
            "http:///v1",
            "http://x y/",
            "http://[::1",
            "tcp://x:1",
        ),
        *(
            "http://x:99999/",
            "http://\uff11.example/",
            "http://x.invalid/",
            "http://x\n.example/",
            "javascript://x",
        ),
        *(
            "http://169.254.169.254/",
            "http://[fe80::1]/",
            "http://[::ffff:169.254.169.254]/",
            "http://2852039166/",
        ),
        *("http://metadata.google.internal/", "http://100.100.100.200/", "http://METADATA.google.internal./"),
        *("http://localhost:8000/", "http://127.0.0.1/", "http://127.1/", "http://[::1]/", "http://0.0.0.0/"),
        *(
            "http://x.localhost/",
            "http://0x7f.1/",
            "http://user:secret@127.0.0.1/",
            "http://x.example\\@127.0.0.1/",
        ),
    ],
)
def test_target_that_leads_nowhere_good_is_refused(target: str) -> None:
    found = definition.validate(with_field(target, "proxy", "target_url"))
    assert {problem.place for problem in found} == {"proxy.target_url"}


@pytest.mark.parametrize("target", ["http://localhost:8000/", "http://127.0.0.1/", "http://[::1]:80/", "http://127.1/"])
def test_loopback_target_passes_where_the_installation_allows_it(target: str) -> None:
    assert messages(with_field(target, "proxy", "target_url"), allow_loopback=True) == []


def test_link_local_target_is_refused_even_where_loopback_passes() -> None:
    raw = with_field("http://169.254.169.254/latest", "proxy", "target_url")
    assert messages(raw, allow_loopback=True) == [
        "proxy.target_url must not be a link-local or metadata address (169.254.169.254)."
    ]


def test_placeholder_target_passes_while_the_api_is_inactive() -> None:
    raw = with_field("http://upstream.invalid/", "proxy", "target_url")
    assert messages(raw | {"active": False}) == []
    assert messages(raw) == ["proxy.target_url is a placeholder: give it a target before activating it."]


@pytest.mark.parametrize("target", ["ws://echo.example:8080", "wss://echo.example/", "h2c://grpc.example:9000"])
def test_target_may_be_a_web_socket_or_plain_http_2(target: str) -> None:
    assert messages(with_field(target, "proxy", "target_url")) == []
    assert messages(with_field(target, "proxy", "target_url") | {"protocol": "http"}) == []
    inner = target.replace("example", "localhost")
    assert len(messages(with_field(inner, "proxy", "target_url"))) == 1


def test_target_may_be_empty_only_where_gateways_take_another() -> None:
    raw = with_field("", "proxy", "target_url")
    missing = "proxy.target_url must be an absolute address with a host, "
    missing += "beginning with http, https, ws, wss or h2c://."
    assert messages(raw) == [missing]
    assert messages(raw | {"graphql": {"execution_mode": "supergraph"}}) == []
    for on, targets, found in (
        (True, ["https://one.example", "two.example:8080"], []),
        (False, ["https://one.example"], [missing]),
        (True, [], [missing]),
        (True, [""], [missing]),
        (True, None, [missing]),
    ):
        proxy = raw["proxy"] | {"enable_load_balancing": on, "target_list": targets}
        assert messages(raw | {"proxy": proxy}) == found
    (problem,) = messages(raw | {"proxy": raw["proxy"] | {"enable_load_balancing": True, "target_list": ["127.0.0.1"]}})
    assert problem.startswith("proxy.target_list.0 ")


def test_target_scheme_follows_the_protocol() -> None:
    raw = with_field("tcp://db.example:5432", "proxy", "target_url") | {"protocol": "tcp"}
    assert messages(raw) == ["listen_port must be given for protocol tcp and tls."]
    assert messages(raw | {"listen_port": 5432}) == []


REWRITES = ("version_data", "versions", "Default", "extended_paths", "url_rewrites")
TRANSFORMS = ("version_data", "versions", "Default", "extended_paths", "transform")
VIRTUAL = ("version_data", "versions", "Default", "extended_paths", "virtual")
EVENTS = ("event_handlers", "events", "QuotaExceeded")


@pytest.mark.parametrize(
    ("path", "value", "place"),
    [
        (("name",), " ", "name"),
        (("id",), "12", "id"),
        (("api_id",), "../x", "api_id"),
        (("is_oas",), True, "is_oas"),
        (("domain",), "{any:.*}", "domain"),
        (("protocol",), "udp", "protocol"),
        (("version_data",), {"not_versioned": True, "versions": {}}, "version_data.versions"),
        (("version_data",), None, "version_data.versions"),
        (("definition", "location"), "body", "definition.location"),
        (("config_data", "x"), "say env://HOME", "config_data.x"),
        (("config_data", "kv://a"), 1, "config_data.kv://a"),
        (("config_data", "x"), ["$secret_env.KEY"], "config_data.x.0"),
        (("jwt_source",), "secrets://key", "jwt_source"),
        (("config_data", "n"), 10**400, "config_data.n"),
        (("proxy", "target_list"), ["169.254.169.254:80"], "proxy.target_list.0"),
        (("proxy", "transport"), {"proxy_url": "http://127.0.0.1:3128"}, "proxy.transport.proxy_url"),
        (REWRITES, [{"rewrite_to": "tyk://another-api/x"}], f"{'.'.join(REWRITES)}.0.rewrite_to"),
        (REWRITES, [{"rewrite_to": "tyk://selfish/"}], f"{'.'.join(REWRITES)}.0.rewrite_to"),
        (REWRITES, [{"rewrite_to": "$1k://another-api/x"}], f"{'.'.join(REWRITES)}.0.rewrite_to"),
        (REWRITES, [{"rewrite_to": "tyk://self/x"}], None),
        (REWRITES, [{"rewrite_to": "/x/$1"}], None),
        (("custom_middleware",), {"pre": [{"name": "f", "path": "/x.js"}]}, "custom_middleware.pre"),
        (("custom_middleware",), {"auth_check": {"path": "/x.so"}}, "custom_middleware.auth_check.path"),
        (("custom_middleware",), {"pre": [], "auth_check": {"name": "", "path": ""}, "driver": ""}, None),
        (("custom_middleware_bundle",), "b.zip", "custom_middleware_bundle"),
        (("analytics_plugin",), {"plugin_path": "/x.so"}, "analytics_plugin.plugin_path"),
        (VIRTUAL, [{"function_source_type": "blob"}], ".".join(VIRTUAL)),
        (
            TRANSFORMS,
            [{"template_data": {"template_mode": "file", "template_source": "/etc/passwd"}}],
            f"{'.'.join(TRANSFORMS)}.0.template_data.template_source",
        ),
        (EVENTS, [{"handler_name": "eh_dynamic_handler"}], f"{'.'.join(EVENTS)}.0.handler_name"),
        (
            EVENTS,
            [{"handler_name": "eh_web_hook_handler", "handler_meta": {"template_path": "/etc/passwd"}}],
            f"{'.'.join(EVENTS)}.0.handler_meta.template_path",
        ),
        (
            EVENTS,
            [
                {
                    "handler_name": "eh_web_hook_handler",
                    "handler_meta": {"template_path": "templates/default_webhook.json"},
                }
            ],
            None,
        ),
        (("certificates",), ["/etc/ssl/private/key.pem"], "certificates.0"),
        (("client_certificates",), [OTHER_ORG + "0" * 64], "client_certificates.0"),
        (("upstream_certificates",), {"x.example": OTHER_ORG + "0" * 64}, "upstream_certificates.x.example"),
        (("pinned_public_keys",), {"*": f"{ORG}{'0' * 64}, {OTHER_ORG}{'0' * 64}"}, "pinned_public_keys.*"),
        (("request_signing",), {"certificate_id": "/etc/passwd"}, "request_signing.certificate_id"),
        (("certificates",), [ORG + "0" * 64], None),
    ],
)
def test_rules_refuse_what_would_harm_a_shared_gateway(path: tuple[str, ...], value: object, place: str | None) -> None:
    found = definition.validate(with_field(value, *path), org_id=ORG)
    assert [problem.place for problem in found] == ([] if place is None else [place])


def test_tyk_definition_is_told_from_openapi_and_unwrapped() -> None:
    made = definition.build(**BASICS)
    assert definition.is_tyk_definition(made)
    assert definition.is_tyk_definition({"api_definition": made, "oas": None})
    assert definition.unwrap({"api_definition": made}) == definition.unwrap(made) == made
    assert not definition.is_tyk_definition({"openapi": "3.0.0", "proxy": {}})
    assert not definition.is_tyk_definition({"api_definition": None})
    assert not definition.is_tyk_definition([made])


@pytest.mark.parametrize(
    ("name", "slug"),
    [("Grüße, Welt!", "grue-welt"), ("東京", "api"), ("  A -- b ", "a-b"), ("x" * 99, "x" * 60)],
)
def test_slugify_gives_ascii_words(name: str, slug: str) -> None:
    assert definition.slugify(name) == slug


def test_a_domain_cannot_be_switched_off() -> None:
    orders = definition.build(
        name="Orders", listen_path="/orders/", target_url="https://orders.example/",
        authentication=Authentication.TOKEN, rate=0, per=0, tags=[], active=True,
    )  # fmt: skip
    problems = definition.validate(orders | {"domain": "orders.example", "domain_disabled": True})
    assert [problem.path for problem in problems] == [("domain_disabled",)]
    assert definition.validate(orders | {"domain_disabled": True}) == []

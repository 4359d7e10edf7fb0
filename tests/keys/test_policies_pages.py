import html
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from keys import services as keys
from keys.models import Key, Policy
from keys.paths import AllowedUrl
from keys.policies.services import set_active, settings_of, update_policy
from keys.rights import ApiAccess, accesses_of, policies_of
from keys.session import Limit
from orgs import scope
from orgs.models import AuditEntry
from tests.conftest import World, signed_in, user
from tests.keys.test_policies import make_policy
from tests.keys.test_services import make_api, make_key

READING = ("", "settings/", "history/")
WRITING = ("edit/", "deactivate/", "delete/")


@pytest.fixture
def acme(world: World) -> Iterator[World]:
    """A world in which globex has a policy with a key; the body runs in acme's scope."""
    with scope.opened(scope.of(world.globex.id)):
        make_key(alias="Foreign key", policies=[make_policy("Foreign policy").pk])
    with scope.opened(scope.of(world.acme.id)):
        yield world


def text_of(answer: Any) -> str:
    return html.unescape(answer.content.decode())


def rows_of(answer: Any) -> list[str]:
    return re.findall(r'<td><a href="[^"]*">([^<]*)</a><span class="sub">', text_of(answer))


def form_of(client: Client, path: str) -> dict[str, Any]:
    """What the form at this path would send untouched."""
    answer = client.get(path)
    values = {field.html_name: field.value() for field in answer.context["form"]}
    form = {name: value for name, value in values.items() if value not in (None, "")}
    form["apis"] = [api.id for api in answer.context["choices"].chosen]
    for api in answer.context["choices"].chosen:
        form |= {f"paths-{api.id}": api.paths, f"limit-{api.id}": api.limit}
        form[f"versions-{api.id}"] = [name for name, is_ticked in api.versions if is_ticked]
    if "policies" in answer.context:
        form["policies"] = [policy.id for policy in answer.context["policies"].chosen]
    return form


def sent(client: Client, **changes: Any) -> Any:
    return client.post("/policies/create/", form_of(client, "/policies/create/") | {"name": "Gold"} | changes)


def test_a_policy_is_created_from_the_form(acme: World) -> None:
    api, client = make_api("Orders"), signed_in(acme.ann)
    answer = sent(
        client, apis=[api.id], gives="each", rate="100", per_s="60", quota_max="5000", quota_window_s="86400",
        key_expires_in_s="604800", tags="a, b", metadata="plan=gold", explicit_id="gold",
        **{f"paths-{api.id}": "GET ^/orders", f"limit-{api.id}": "10/60 50/3600"},
    )  # fmt: skip
    policy = Policy.objects.get()
    assert answer.headers["Location"] == f"/o/acme/policies/{policy.pk}/"
    settings = settings_of(policy)
    assert settings["accesses"] == (
        ApiAccess(api.id, (), (AllowedUrl("^/orders", ("GET",)),), Limit(10, 60, 50, 3600)),
    )
    assert (settings["partitions"], settings["key_expires_in_s"]) == (["per_api"], 604_800)
    assert (settings["rate"], settings["per_s"], settings["quota_max"]) == (100, 60, 5000)
    assert (settings["tags"], settings["metadata"], settings["explicit_id"]) == (["a", "b"], {"plan": "gold"}, "gold")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"gives": "some"}, "Tick at least one part."),
        ({"rate": "0.2"}, "Rate: give 1 to"),
        ({"explicit_id": "a b"}, "ID of its own: give at most 100"),
        ({"metadata": "plan"}, "Line 1: write name=value."),
        ({"gives": "everything", "parts": ["quota"]}, "Parts count with the last choice alone"),
        ({"gives": "each", "parts": ["acl"]}, "Parts count with the last choice alone"),
        ({"apis": ["f" * 24]}, "one of the chosen APIs does not exist"),
        ({"apis": ["nonsense"]}, "one of the chosen APIs does not exist"),
        ({"name": "SILVER"}, "there is already a policy with this name"),
        ({"apis": ["{api}"], "limit-{api}": "10 a minute"}, "write it like 10/60 5000/86400"),
        ({"apis": ["{api}"], "limit-{api}": "1.1.1/60"}, "write it like 10/60 5000/86400"),
    ],
)
def test_a_bad_form_says_what_and_keeps_what_was_typed(acme: World, changes: dict[str, Any], sentence: str) -> None:
    api = make_api("Orders").id
    make_policy("Silver", accesses=[])
    filled: dict[str, Any] = {
        name.format(api=api): [item.format(api=api) for item in value] if isinstance(value, list) else value
        for name, value in changes.items()
    }
    answer = sent(signed_in(acme.ann), **{"tags": "typed, with care", **filled})
    assert sentence in text_of(answer)
    assert 'value="typed, with care"' in text_of(answer)
    assert Policy.objects.count() == 1


def test_another_organisations_api_is_one_that_does_not_exist(world: World) -> None:
    with scope.opened(scope.of(world.globex.id)):
        foreign = make_api("Secret project").id
    with scope.opened(scope.of(world.acme.id)):
        answer = sent(signed_in(world.ann), apis=[foreign])
        assert "one of the chosen APIs does not exist" in text_of(answer)
        assert "Secret project" not in text_of(answer)


def test_searching_apis_keeps_what_is_ticked_and_typed(acme: World) -> None:
    api = make_api("Orders")
    answer = sent(signed_in(acme.ann), apis=[api.id], gives="some", parts=["acl", "quota"], find="1", api_q="nothing")
    assert [choice.name for choice in answer.context["choices"].chosen] == ["Orders"]
    assert text_of(answer).count(" checked") == 4
    assert 'value="Gold"' in text_of(answer)
    assert not Policy.objects.exists()


@pytest.mark.parametrize(
    "settings",
    [
        {"rate": 2.5, "per_s": 1.5, "quota_max": 7, "quota_window_s": 12_345, "key_expires_in_s": 123},
        {"rate": -1, "per_s": -1, "quota_max": 0, "quota_window_s": 0, "partitions": ["quota", "acl"]},
        {"rate": 0, "per_s": 0, "quota_max": -1, "quota_window_s": 60, "partitions": ["per_api"]},
    ],
)
@pytest.mark.parametrize(
    "limit", [None, Limit(0, 0, 0, 0), Limit(-1, -1, -1, -1, {"throttle_interval": 5}), Limit(5, 1, 0, 60)]
)
def test_editing_untouched_changes_nothing(acme: World, settings: dict[str, Any], limit: Limit | None) -> None:
    api = make_api("Orders", versions=("v1", "v2"))
    access = ApiAccess(api.id, ("v2",), (AllowedUrl("^/x", ("GET",)),), limit, {"disable_introspection": True})
    policy = make_policy(accesses=[access], tags=["a"], metadata={"x": [1]}, extra={"state": "active"}, **settings)
    before = settings_of(Policy.objects.get())
    client, path = signed_in(acme.ann), f"/policies/{policy.pk}/edit/"
    assert client.post(path, form_of(client, path)).status_code == 302
    assert settings_of(Policy.objects.get()) == before
    assert not AuditEntry.objects.filter(object_id=policy.pk, action="changed").exists()


def test_edit_shows_the_conflict_and_keeps_what_was_typed(acme: World) -> None:
    policy = make_policy()
    client, path = signed_in(acme.ann), f"/policies/{policy.pk}/edit/"
    form = form_of(client, path) | {"name": "Mine", "tags": "new"}
    update_policy(policy=policy, revision=1, name="Theirs")
    answer = client.post(path, form)
    assert answer.context["conflict"]["fields"] == [("name", "Theirs", "Mine"), ("tags", "—", "new")]
    assert Policy.objects.get().name == "Theirs"
    assert client.post(path, form | {"revision": answer.context["form"]["revision"].value()}).status_code == 302
    assert (Policy.objects.get().name, Policy.objects.get().revision) == ("Mine", 3)


def test_an_api_that_goes_while_a_conflict_is_told_is_a_sentence(acme: World) -> None:
    policy = make_policy()
    client, path = signed_in(acme.ann), f"/policies/{policy.pk}/edit/"
    form = form_of(client, path) | {"apis": ["f" * 24]}
    update_policy(policy=policy, revision=1, name="Theirs")
    assert "one of the chosen APIs does not exist" in text_of(client.post(path, form))


def test_deactivating_and_deleting_say_what_stops(acme: World) -> None:
    policy = make_policy()
    make_key(alias="Mobile app", policies=[policy.pk])
    client, here = signed_in(acme.ann), f"/policies/{policy.pk}/"
    stops = "Every request with the 1 key that applies it, "
    assert f"{stops}until it is active again: Mobile app." in text_of(client.get(f"{here}deactivate/"))
    client.post(f"{here}deactivate/")
    assert Policy.objects.get().is_active is False
    client.post(f"{here}activate/")
    assert Policy.objects.get().is_active is True
    assert f"{stops}as they are disabled" in text_of(client.get(f"{here}delete/"))
    assert "This is not the name" in text_of(client.post(f"{here}delete/", {"confirm_name": "another"}))
    answer = client.post(f"{here}delete/", {"confirm_name": "Gold"}, follow=True)
    assert "Gold is deleted. Keys disabled: 1." in text_of(answer)
    assert not Policy.objects.exists()
    assert Key.objects.get().is_disabled is True


def test_aliases_of_keys_are_for_those_who_read_keys(acme: World) -> None:
    policy = make_policy()
    make_key(alias="Mobile app", policies=[policy.pk])
    keeper = user("kim@acme.example", acme.acme, permissions={"policies": "write"})
    page = text_of(signed_in(keeper).get(f"/policies/{policy.pk}/delete/"))
    assert "the 1 key that applies it" in page
    assert "Mobile app" not in page
    assert "Keys that apply it" not in text_of(signed_in(keeper).get(f"/policies/{policy.pk}/"))


def test_the_list_is_narrowed_and_sorted(acme: World) -> None:
    orders, bills = make_api("Orders"), make_api("Bills")
    make_policy("Gold plan", accesses=[ApiAccess(orders.id)])
    silver = make_policy("Silver plan", accesses=[ApiAccess(bills.id)])
    set_active(policy=silver, is_active=False)
    make_policy("Trial", accesses=[ApiAccess(orders.id), ApiAccess(bills.id)])
    client, everything = signed_in(acme.al), ["Gold plan", "Silver plan", "Trial"]
    expected: dict[str, list[str]] = {
        "": everything,
        "q=plan": ["Gold plan", "Silver plan"],
        "q=plan+GOLD": ["Gold plan"],
        "q=foreign": [],
        "q=%25": [],
        "q=%00": everything,
        "state=active": ["Gold plan", "Trial"],
        "state=inactive": ["Silver plan"],
        "state=nonsense": everything,
        f"api={orders.id}": ["Gold plan", "Trial"],
    }
    for query, names in expected.items():
        assert sorted(rows_of(client.get(f"/policies/?{query}"))) == names, query
    assert rows_of(client.get("/policies/?sort=-name")) == everything[::-1]
    assert [client.get(f"/policies/?api={id}").status_code for id in ("f" * 24, "nonsense")] == [404, 404]


def test_the_list_counts_apis_and_keys(acme: World) -> None:
    policy = make_policy(accesses=[ApiAccess(make_api().id), ApiAccess(make_api().id)])
    for _ in range(3):
        make_key(policies=[policy.pk])
    page = text_of(signed_in(acme.al).get("/policies/"))
    assert re.findall(r'<td [^>]*class="number">([^<]*)<', page) == ["2", "3"]


def queries_of(client: Client, path: str) -> int:
    client.get(path)
    with CaptureQueriesContext(connection) as queries:
        assert client.get(path).status_code == 200
    return len(queries)


def test_pages_ask_as_often_for_one_row_as_for_three(acme: World) -> None:
    client, counts = signed_in(acme.al), []
    policies: list[Policy] = []
    for number in range(3):
        opened = [ApiAccess(make_api(f"Api {number} {other}").id) for other in range(number + 1)]
        policies.append(make_policy(f"Policy {number}", accesses=opened))
        key, _ = make_key(alias=f"Key {number}", policies=[policy.pk for policy in policies])
        ticked = "&".join(f"policies={policy.pk}" for policy in policies)
        paths = ("/policies/", f"/policies/{policies[-1].pk}/", f"/policies/preview/?{ticked}", f"/keys/{key.pk}/")
        counts.append([queries_of(client, path) for path in paths])
    assert counts[0] == counts[1] == counts[2]


def test_the_keys_of_a_policy_are_listed(acme: World) -> None:
    policy, other = make_policy(), make_policy("Other")
    make_key(alias="Mobile app", policies=[policy.pk])
    make_key(alias="Web shop", policies=[other.pk])
    client = signed_in(acme.al)
    answer = client.get(f"/keys/?policy={policy.pk}")
    assert rows_of(answer) == ["Mobile app"]
    assert "Applies: Gold" in text_of(answer)
    assert "1 policy" in text_of(answer)
    with scope.opened(scope.of(acme.globex.id)):
        foreign = Policy.objects.get().pk
    assert [client.get(f"/keys/?policy={id}").status_code for id in (foreign, "f" * 24, "nonsense")] == [404] * 3


def test_the_keys_of_an_api_have_those_that_come_to_it_by_a_policy(acme: World) -> None:
    orders = make_api("Orders")
    make_key(alias="By policy", policies=[make_policy(accesses=[ApiAccess(orders.id)]).pk])
    make_key(alias="Another")
    assert rows_of(signed_in(acme.al).get(f"/keys/?api={orders.id}")) == ["By policy"]


def test_the_preview_merges_what_is_ticked(acme: World) -> None:
    orders, bills = make_api("Orders"), make_api("Bills", is_active=False)
    gold = make_policy("Gold", accesses=[ApiAccess(orders.id)], rate=10, per_s=1, quota_max=100, tags=["x"])
    more = make_policy("More", accesses=[ApiAccess(orders.id), ApiAccess(bills.id)], rate=20, per_s=1, quota_max=50)
    client = signed_in(acme.al)
    answer = client.get(f"/policies/preview/?policies={gold.pk}&policies={more.pk}")
    rows = [(r["name"], r["works"], r["reason"], r["rate"], r["rate_from"], r["quota"], r["quota_from"])
            for r in answer.context["accesses"]]  # fmt: skip
    assert rows == [
        ("Orders", True, "from Gold, More", "20 / s", "from More", "100 / hour", "from Gold"),
        ("Bills", False, "from More", "20 / s", "", "50 / hour", ""),
    ]
    assert answer.context["tags"] == "x"
    set_active(policy=more, is_active=False)
    answer = client.get(f"/policies/preview/?policies={gold.pk}&policies={more.pk}")
    assert "Such a key opens nothing. The policy More is inactive." in text_of(answer)


def test_the_preview_leaves_out_what_is_not_the_organisations(acme: World) -> None:
    with scope.opened(scope.of(acme.globex.id)):
        foreign = Policy.objects.get().pk
    client = signed_in(acme.al)
    pages = [text_of(client.get(f"/policies/preview/?policies={id}")) for id in (foreign, "f" * 24, "nonsense")]
    without_tokens = [re.sub(r'value="\w{64}"', "", page) for page in pages]
    assert without_tokens[0].replace(foreign, "") == without_tokens[1].replace("f" * 24, "")
    assert "Foreign policy" not in "".join(pages)


def test_a_key_is_given_policies_in_its_form(acme: World) -> None:
    first, second = make_policy("First"), make_policy("Second")
    client = signed_in(acme.ann)
    form = form_of(client, "/keys/create/") | {"alias": "Mobile app", "policies": [second.pk, first.pk]}
    assert client.post("/keys/create/", form).status_code == 200
    key = Key.objects.get()
    assert policies_of(key) == (second.pk, first.pk)
    path = f"/keys/{key.pk}/edit/"
    assert [policy.name for policy in client.get(path).context["policies"].chosen] == ["Second", "First"]
    assert client.post(path, form_of(client, path) | {"policies": [first.pk]}).status_code == 302
    assert policies_of(key) == (first.pk,)


def test_a_policy_of_another_organisation_in_a_keys_form_does_not_exist(acme: World) -> None:
    with scope.opened(scope.of(acme.globex.id)):
        foreign = Policy.objects.get().pk
    client = signed_in(acme.ann)
    form = form_of(client, "/keys/create/") | {"alias": "Mobile app"}
    for id in (foreign, "f" * 24, "nonsense"):
        answer = client.post("/keys/create/", form | {"policies": [id]})
        assert "one of the chosen policies does not exist" in text_of(answer)
        assert "Foreign policy" not in text_of(answer)
    assert not Key.objects.exists()


def test_policies_are_found_in_a_keys_form(acme: World) -> None:
    ticked = make_policy("Ticked", accesses=[])
    for number in range(30):
        make_policy(f"Policy {number:02}", accesses=[])
    client = signed_in(acme.ann)
    form = form_of(client, "/keys/create/") | {"policies": [ticked.pk], "policy_q": "policy 29", "find": "1"}
    policies = client.post("/keys/create/", form).context["policies"]
    assert ([policy.name for policy in policies.chosen], [policy.name for policy in policies.others]) == (
        ["Ticked"],
        ["Policy 29"],
    )


def test_a_keys_own_limits_and_further_fields_stay_when_it_is_edited(acme: World) -> None:
    api = make_api("Orders")
    access = ApiAccess(
        api.id, limit=Limit(5, 1, 50, 60, {"throttle_interval": 5}), extra={"disable_introspection": True}
    )
    key, _ = make_key(accesses=[access])
    client, path = signed_in(acme.ann), f"/keys/{key.pk}/edit/"
    assert client.post(path, form_of(client, path) | {"alias": "Renamed"}).status_code == 302
    assert accesses_of(key) == (access,)


def test_the_access_page_of_a_key_says_which_policy_gives_what(acme: World) -> None:
    orders, bills = make_api("Orders"), make_api("Bills")
    opens = make_policy("Opens", accesses=[ApiAccess(orders.id)], partitions=["acl"])
    limits = make_policy("Limits", accesses=[ApiAccess(orders.id)], partitions=["quota"], quota_max=50)
    key, _ = make_key(accesses=[ApiAccess(bills.id)], policies=[opens.pk, limits.pk], rate=7, per_s=1)
    client = signed_in(acme.al)
    answer = client.get(f"/keys/{key.pk}/")
    (row,) = answer.context["accesses"]
    assert (row["name"], row["works"], row["reason"]) == ("Orders", True, "from Opens")
    assert (row["rate"], row["rate_from"], row["quota"], row["quota_from"]) == (
        "7 / s", "from the key", "50 / hour", "from Limits",
    )  # fmt: skip
    assert f'<a href="/o/acme/policies/{opens.pk}/">Opens</a>' in text_of(answer)
    keys.disable_key(key=key)
    assert [row["why_not"] for row in client.get(f"/keys/{key.pk}/").context["accesses"]] == ["the key is disabled"]
    keeper = user("kim@acme.example", acme.acme, permissions={"keys": "read"})
    assert 'href="/o/acme/policies/' not in text_of(signed_in(keeper).get(f"/keys/{key.pk}/"))


def test_the_settings_of_a_key_say_what_its_policies_leave_to_it(acme: World) -> None:
    policy = make_policy("Gold", accesses=[ApiAccess(make_api("Orders").id)])
    applying, _ = make_key(policies=[policy.pk], rate=10, per_s=1)
    plain, _ = make_key(has_all_apis=True, rate=10, per_s=1)
    facts = [
        {fact["label"]: fact["value"] for fact in signed_in(acme.ann).get(f"/keys/{key.pk}/settings/").context["facts"]}
        for key in (applying, plain)
    ]
    assert [(told["Opens"], told["Rate"]) for told in facts] == [
        ("What its policies open", "10 / s, where no policy gives one"),
        ("All of this organisation's APIs", "10 / s"),
    ]


def test_disabling_a_key_names_what_its_policies_open(acme: World) -> None:
    key, _ = make_key(accesses=[], policies=[make_policy(accesses=[ApiAccess(make_api("Orders").id)]).pk])
    assert "to Orders is refused" in text_of(signed_in(acme.ann).get(f"/keys/{key.pk}/disable/"))


def test_a_reader_reads_and_changes_nothing(acme: World) -> None:
    policy = make_policy()
    client, here = signed_in(acme.al), f"/policies/{policy.pk}/"
    assert [client.get(f"{here}{page}").status_code for page in READING] == [200] * 3
    assert [client.get(f"{here}{page}").status_code for page in WRITING] == [403] * 3
    assert [client.post(f"{here}{page}").status_code for page in (*WRITING, "activate/")] == [403] * 4
    assert [client.get("/policies/create/").status_code, client.post("/policies/create/").status_code] == [403, 403]
    assert [word for word in ("edit/", "delete/", "deactivate/") if word in text_of(client.get(here))] == []


def test_who_may_not_read_policies_sees_none(acme: World) -> None:
    policy = make_policy()
    client = signed_in(user("kim@acme.example", acme.acme, permissions={"keys": "write"}))
    paths = ("/policies/", "/policies/preview/", *(f"/policies/{policy.pk}/{page}" for page in READING))
    assert [client.get(path).status_code for path in paths] == [403] * 5
    page = text_of(client.get("/keys/create/"))
    assert "Gold" in page
    assert "/policies/preview/" not in page


def test_history_needs_the_permission_to_read_the_audit_trail(acme: World) -> None:
    policy = make_policy()
    client = signed_in(user("kim@acme.example", acme.acme, permissions={"policies": "read"}))
    assert client.get(f"/policies/{policy.pk}/history/").status_code == 403
    assert "created policy" in text_of(signed_in(acme.al).get(f"/policies/{policy.pk}/history/"))


def test_a_stranger_finds_nothing(acme: World) -> None:
    policy = make_policy()
    client, here = signed_in(acme.gus), f"/policies/{policy.pk}/"
    assert [client.get(f"{here}{page}").status_code for page in (*READING, *WRITING)] == [404] * 6
    assert [client.post(f"{here}{page}").status_code for page in (*WRITING, "activate/")] == [404] * 4
    assert rows_of(client.get("/policies/")) == ["Foreign policy"]


def test_an_unbounded_user_sees_and_changes_nothing(acme: World) -> None:
    policy = make_policy()
    client, here = signed_in(acme.uma), f"/all/o/acme/policies/{policy.pk}/"
    assert [client.get(f"{here}{page}").status_code for page in READING] == [200] * 3
    assert client.post(f"{here}delete/", {"confirm_name": "Gold"}).status_code == 403
    assert "Foreign policy" not in text_of(client.get("/all/o/acme/policies/"))


def test_wrong_methods_are_refused(acme: World) -> None:
    policy = make_policy()
    client, here = signed_in(acme.ann), f"/policies/{policy.pk}/"
    assert [client.post(f"{here}{page}").status_code for page in READING] == [405] * 3
    assert [client.post(path).status_code for path in ("/policies/", "/policies/preview/")] == [405, 405]
    assert client.get(f"{here}activate/").status_code == 405
    assert [client.put(f"{here}{page}").status_code for page in WRITING] == [405] * 3


def test_an_empty_list_says_what_to_do(acme: World) -> None:
    assert "Create a policy" in text_of(signed_in(acme.ann).get("/policies/"))
    assert "Create a policy" not in text_of(signed_in(acme.al).get("/policies/"))

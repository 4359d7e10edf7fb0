from dataclasses import replace
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from keys.merging import KEY, Merged, MergedAccess, Partition, PolicySpec, merge
from keys.paths import AllowedUrl
from keys.session import UNLIMITED, Access, Limit

ACL, RATE, QUOTA, COMPLEXITY, PER_API = (
    Partition.ACL, Partition.RATE, Partition.QUOTA, Partition.COMPLEXITY, Partition.PER_API,
)  # fmt: skip


def api(
    id: str, *, versions: tuple[str, ...] = ("Default",), paths: tuple[AllowedUrl, ...] = (), limit: Limit | None = None
) -> Access:
    return Access(id, id.upper(), versions, paths, limit)


def policy(
    name: str,
    *opens: str | Access,
    only: tuple[Partition, ...] = (),
    rate: float = 0,
    per: float = 0,
    quota: int = 0,
    window: int = 0,
    depth: int = 0,
) -> PolicySpec:
    accesses = tuple(api(access) if isinstance(access, str) else access for access in opens)
    limit = Limit(rate, per, quota, window)
    return PolicySpec(name, name, accesses, limit, depth, partitions=frozenset(only))


def by_api(merged: Merged) -> dict[str, MergedAccess]:
    return {access.api_id: access for access in merged.opened}


def limits(merged: Merged) -> dict[str, tuple[float, float, int, int]]:
    return {
        id: (access.limit.rate, access.limit.per_s, access.limit.quota_max, access.limit.quota_window_s)
        for id, access in by_api(merged).items()
    }


def test_without_policies_a_key_does_what_it_says() -> None:
    own = Limit(1, 2, 3, 4)
    merged = merge([], accesses=[api("a"), api("b", limit=own)], limit=Limit(100, 60, 1000, 3600))
    assert limits(merged) == {"a": (100, 60, 1000, 3600), "b": (1, 2, 3, 4)}
    assert [(access.opened_from, access.rate_from, access.counted_by) for access in merged.opened] == [
        ((KEY,), (KEY,), ""),
        ((KEY,), (KEY,), "b"),
    ]


def test_what_a_policy_opens_replaces_what_the_key_names() -> None:
    merged = merge([policy("gold", "a", rate=10, per=1)], accesses=[api("b")], limit=Limit(999, 1))
    assert limits(merged) == {"a": (10, 1, UNLIMITED, 0)}
    assert by_api(merged)["a"].rate_from == ("gold",)


def test_several_policies_open_what_either_opens_with_the_highest_limits() -> None:
    first = policy("first", api("a", versions=("v1",)), "b", rate=10, per=1, quota=100, window=60)
    second = policy("second", api("a", versions=("v2", "v1")), "c", rate=20, per=1, quota=50, window=3600)
    merged = merge([first, second])
    assert limits(merged) == {"a": (20, 1, 100, 3600), "b": (10, 1, 100, 60), "c": (20, 1, 50, 3600)}
    both = by_api(merged)["a"]
    assert (both.versions, both.opened_from) == (("v1", "v2"), ("first", "second"))
    assert (both.rate_from, both.quota_from) == (("second",), ("first", "second"))


def test_unlimited_is_more_than_any_number() -> None:
    few, all_ = policy("few", "a", quota=100, window=60), policy("all", "a", quota=-1, rate=-1, per=1)
    for order in ([few, all_], [all_, few]):
        merged = merge(order)
        assert limits(merged) == {"a": (0, 0, UNLIMITED, 60)}
        assert by_api(merged)["a"].quota_from == ("all",)


def test_what_a_policy_leaves_out_gives_way() -> None:
    merged = merge([policy("silent", "a"), policy("loud", "a", rate=5, per=1, quota=7, window=60)])
    assert limits(merged) == {"a": (5, 1, 7, 60)}


def test_a_rate_without_a_period_says_nothing() -> None:
    merged = merge([policy("odd", "a", rate=-1), policy("loud", "a", rate=5, per=1)])
    assert limits(merged)["a"][:2] == (5, 1)


def test_the_highest_rate_takes_the_longest_period() -> None:
    merged = merge([policy("quick", "a", rate=10, per=1), policy("slow", "a", rate=20, per=60)])
    assert limits(merged)["a"][:2] == (20, 60)
    assert by_api(merged)["a"].rate_from == ("slow",)


def test_partitions_give_their_part_alone() -> None:
    opens = policy("opens", "a", only=(ACL,), rate=999, per=1, quota=999, window=1)
    rated = policy("rated", "a", only=(RATE,), rate=3, per=1, quota=999, window=1)
    quoted = policy("quoted", "a", only=(QUOTA,), rate=999, per=1, quota=2, window=60)
    for order in permutations([opens, rated, quoted]):
        merged = merge(order, limit=Limit(100, 1, 100, 1))
        assert limits(merged) == {"a": (3, 1, 2, 60)}
        entry = by_api(merged)["a"]
        assert (entry.opened_from, entry.rate_from, entry.quota_from) == (("opens",), ("rated",), ("quoted",))


def test_what_no_policy_gives_is_the_keys_own() -> None:
    merged = merge([policy("opens", "a", only=(ACL,))], limit=Limit(7, 1, 70, 60), max_query_depth=5)
    assert limits(merged) == {"a": (7, 1, 70, 60)}
    entry = by_api(merged)["a"]
    assert (entry.rate_from, entry.quota_from, entry.max_query_depth) == ((KEY,), (KEY,), 5)


def test_an_api_that_no_policy_limits_has_the_highest_limit_of_the_others() -> None:
    """The key's own quota of -1 counts no more when a policy gives quotas."""
    opens = policy("opens", "a", "b", only=(ACL,))
    rated = policy("rated", "a", only=(RATE, QUOTA), rate=3, per=1, quota=9, window=60)
    assert limits(merge([opens, rated], limit=Limit(500, 1, UNLIMITED, 3600))) == {
        "a": (3, 1, 9, 60),
        "b": (3, 1, 9, 3600),
    }


def test_an_api_of_a_policy_that_opens_nothing_stays_shut() -> None:
    merged = merge([policy("opens", "a"), policy("rated", "b", only=(RATE,), rate=3, per=1)])
    assert list(by_api(merged)) == ["a"]


def test_a_policy_without_apis_limits_the_key() -> None:
    opens, whole = policy("opens", "a", only=(ACL,)), policy("whole", rate=2, per=5, quota=-1, window=3600)
    merged = merge([opens, whole], limit=Limit(100, 1, 100, 1))
    assert limits(merged) == {"a": (2, 5, UNLIMITED, 3600)}
    assert by_api(merged)["a"].rate_from == ("whole",)


def test_an_api_that_is_whole_in_one_policy_and_parted_in_another_is_open_in_parts() -> None:
    get, post = AllowedUrl("^/orders", ("GET",)), AllowedUrl("^/orders", ("POST", "GET"))
    merged = merge(
        [policy("whole", "a"), policy("get", api("a", paths=(get,))), policy("post", api("a", paths=(post,)))]
    )
    assert by_api(merged)["a"].allowed_urls == (AllowedUrl("^/orders", ("GET", "POST")),)


def test_limits_for_each_api() -> None:
    own = Limit(1000, 1, 100, 3600)
    merged = merge([policy("each", api("a", limit=own), "b", only=(PER_API,), rate=5, per=1, quota=50, window=60)])
    assert limits(merged) == {"a": (1000, 1, 100, 3600), "b": (5, 1, 50, 60)}
    assert [access.counted_by for access in merged.opened] == ["a", "each"]


def test_a_limit_of_an_api_counts_only_in_a_policy_with_limits_for_each_api() -> None:
    merged = merge([policy("plain", api("a", limit=Limit(1000, 1, 100, 3600)), rate=5, per=1, quota=50, window=60)])
    assert limits(merged) == {"a": (5, 1, 50, 60)}


def test_two_policies_with_limits_for_each_api_live_beside_each_other() -> None:
    first = policy("first", "a", only=(PER_API,), rate=5, per=1, quota=50, window=60)
    second = policy("second", "b", only=(PER_API,), rate=6, per=1, quota=60, window=60)
    assert limits(merge([first, second])) == {"a": (5, 1, 50, 60), "b": (6, 1, 60, 60)}


def test_mixtures_that_a_gateway_refuses_open_nothing() -> None:
    each, again = policy("each", "a", only=(PER_API,)), policy("again", "a", only=(PER_API,))
    mixtures = (
        [policy("both", "a", only=(PER_API, RATE))],
        [each, policy("part", "b", only=(ACL,))],
        [policy("part", "b", only=(QUOTA,)), policy("plain", "c"), each],
        [each, again],
        [policy("plain", "a"), each],
        [policy("rated", "a", only=(RATE,), rate=5, per=1)],
        [policy("whole", rate=5, per=1)],
    )
    for mixture in mixtures:
        merged = merge(mixture, accesses=[api("a")])
        assert merged.refusal
        assert merged.opened == ()


def test_an_inactive_policy_shuts_the_key_and_says_so() -> None:
    off = replace(policy("off", "b"), is_active=False)
    merged = merge([policy("on", "a"), off], accesses=[api("c")])
    assert merged.refusal == "The policy off is inactive."
    assert merged.opened == ()
    assert [access.api_id for access in merged.accesses] == ["a", "b"]


def test_requests_are_counted_together_only_under_one_policy() -> None:
    one, two = policy("one", "a", "b", quota=5, window=60), policy("two", "c", quota=5, window=60)
    assert [access.counted_by for access in merge([one]).opened] == ["", ""]
    assert [access.counted_by for access in merge([one, two]).opened] == ["one", "one", "two"]


def test_tags_add_up_and_later_metadata_wins() -> None:
    first = replace(policy("first", "a"), tags=("x", "y"), metadata={"plan": "silver", "team": "shop"})
    second = replace(policy("second", "a"), tags=("y", "z"), metadata={"plan": "gold"})
    merged = merge([first, second], tags=["own"], metadata={"plan": "none", "mail": "yes"})
    assert merged.tags == ("x", "y", "z", "own")
    assert merged.metadata == {"plan": "gold", "team": "shop", "mail": "yes"}


def test_the_deepest_query_counts() -> None:
    merged = merge([policy("two", "a", depth=2), policy("three", "a", depth=3)], max_query_depth=99)
    assert by_api(merged)["a"].max_query_depth == 3


apis = st.sampled_from("abc")
amounts = st.sampled_from([0, -1, 1, 5, 60, 1000])
rights = st.builds(
    api,
    apis,
    versions=st.sampled_from([("v1",), ("v2",), ("v1", "v2")]),
    paths=st.sampled_from(
        [(), (AllowedUrl("^/x", ("GET",)),), (AllowedUrl("^/x", ("POST",)), AllowedUrl("/y", ("GET",)))]
    ),
    limit=st.none() | st.builds(Limit, amounts, amounts, amounts, amounts),
)
several = st.lists(rights, max_size=3, unique_by=lambda access: access.api_id).map(tuple)
policies = st.lists(
    st.builds(
        PolicySpec,
        id=st.uuids().map(str),
        name=st.just("p"),
        accesses=several,
        limit=st.builds(Limit, amounts, amounts, amounts, amounts),
        max_query_depth=amounts,
        partitions=st.frozensets(st.sampled_from(Partition), max_size=2),
        is_active=st.sampled_from([True, True, True, False]),
        tags=st.sampled_from([(), ("x",), ("x", "y")]),
    ),
    max_size=3,
)


def unordered(merged: Merged) -> object:
    """All of it but what the gateway itself decides by the order of policies."""
    entries = {
        access.api_id: (
            frozenset(access.versions),
            frozenset((path.url, frozenset(path.methods)) for path in access.allowed_urls),
            access.limit,
            access.max_query_depth,
            frozenset(access.opened_from),
            frozenset(access.rate_from),
            frozenset(access.quota_from),
        )
        for access in merged.accesses
    }
    return entries, bool(merged.refusal), frozenset(merged.tags)


@given(policies, several)
def test_the_order_of_policies_that_name_apis_does_not_matter(
    chosen: list[PolicySpec], own: tuple[Access, ...]
) -> None:
    chosen = [policy for policy in chosen if policy.accesses]
    first = unordered(merge(chosen, accesses=own))
    assert all(unordered(merge(order, accesses=own)) == first for order in permutations(chosen))


@given(policies, several)
def test_nothing_is_open_that_is_not_named(chosen: list[PolicySpec], own: tuple[Access, ...]) -> None:
    merged = merge(chosen, accesses=own)
    named = [access for policy in chosen if policy.gives(ACL) for access in policy.accesses] if chosen else [*own]
    for access in merged.opened:
        mine = [entry for entry in named if entry.api_id == access.api_id]
        assert set(access.versions) <= {version for entry in mine for version in entry.versions}
        offered = {(path.url, method) for entry in mine for path in entry.allowed_urls for method in path.methods}
        assert {(path.url, method) for path in access.allowed_urls for method in path.methods} == offered
        assert mine


@given(policies, several)
def test_with_an_inactive_policy_nothing_is_open(chosen: list[PolicySpec], own: tuple[Access, ...]) -> None:
    off = PolicySpec("off", "off", is_active=False)
    assert merge([*chosen, off], accesses=own).opened == ()


@given(policies, several, st.builds(Limit, amounts, amounts, amounts, amounts))
def test_a_limit_comes_from_who_gives_it(chosen: list[PolicySpec], own: tuple[Access, ...], limit: Limit) -> None:
    by_id = {policy.id: policy for policy in chosen}
    for access in merge(chosen, accesses=own, limit=limit).opened:
        assert set(access.opened_from) <= ({*by_id} if chosen else {KEY})
        assert all(source == KEY or by_id[source].gives(RATE) for source in access.rate_from)
        assert all(source == KEY or by_id[source].gives(QUOTA) for source in access.quota_from)
        assert bool(access.rate_from) or access.limit.rate == 0
        assert bool(access.quota_from) or access.limit.quota_max == UNLIMITED


def test_what_a_policy_only_limits_is_not_raised_beyond_one_that_opens_it() -> None:
    """Gateways of 3.1 do not raise it, newer ones do."""
    opens, more = policy("opens", "a", quota=10, window=60), policy("more", "a", only=(QUOTA,), quota=1000, window=60)
    assert [limits(merge(order))["a"][2] for order in ([opens, more], [more, opens])] == [10, 10]


def test_the_keys_own_number_counts_where_no_policy_says_one() -> None:
    """Newer gateways drop it even then."""
    silent = policy("silent", "a", only=(ACL, QUOTA)), policy("whole", only=(RATE,))
    assert limits(merge(silent, limit=Limit(5, 1, 50, 60)))["a"] == (5, 1, UNLIMITED, 0)
    opens, rated = policy("opens", "a", only=(ACL,)), policy("rated", "b", only=(QUOTA,))
    assert limits(merge([opens, rated], limit=Limit(5, 1, 50, 60)))["a"] == (5, 1, 50, 60)


def test_an_api_of_which_nothing_is_said_has_the_limits_of_the_key() -> None:
    whole, silent = policy("whole", rate=5, per=1, quota=50, window=60), policy("silent", "a", window=-1)
    assert limits(merge([whole, silent]))["a"] == (5, 1, 50, 60)

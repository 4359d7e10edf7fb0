"""Whose a host is: claimed, proven, looked up again, lost and taken over."""

import time
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from orgs import scope
from orgs.domains import checking, names, proving, schedule, services
from orgs.domains.checking import TAKEN, Checks
from orgs.domains.names import NotAHost
from orgs.domains.proving import Answer
from orgs.domains.services import DomainRefused, claim_domain, vouch
from orgs.models import AuditEntry, Domain, Organisation
from tests.conftest import World
from tests.orgs.conftest import Serve, check
from tests.orgs.name_server import NameServer

DASHBOARD, PORTAL, APIS = Domain.Purpose.DASHBOARD, Domain.Purpose.PORTAL, Domain.Purpose.APIS
HOST = "apis.acme.example"
RECORD = f"_commonhold.{HOST}"


def claimed(organisation: Organisation, host: str = HOST, purpose: str = DASHBOARD) -> Domain:
    """Claim a host, and have it looked at now."""
    with scope.opened(scope.of(organisation.id)):
        domain = claim_domain(host=host, purpose=purpose)
        services.check_now(domain=domain)
        return domain


def now_of(domain: Domain) -> Domain:
    with scope.opened(scope.of(str(domain.organisation_id))):
        return Domain.objects.get(pk=domain.pk)


def change(domain: Domain, **values: Any) -> None:
    with scope.opened(scope.of(str(domain.organisation_id))):
        Domain.objects.filter(pk=domain.pk).update(**values)


def due_again(domain: Domain) -> None:
    change(domain, check_due_at=timezone.now())


def prove(server: NameServer, *domains: Domain) -> None:
    """Write the records that prove these, and no others."""
    for domain in domains:
        server.records[f"_commonhold.{domain.host}"] = []
    for domain in domains:
        server.records[f"_commonhold.{domain.host}"].append(f"commonhold={domain.token}")


def trail(organisation: Organisation) -> list[tuple[str, str]]:
    with scope.opened(scope.of(organisation.id)):
        lines = AuditEntry.objects.filter(kind="domains").order_by("at", "id")
        return list(lines.values_list("action", "object_name"))


# Names


@pytest.mark.parametrize(
    ("typed", "host"),
    [
        ("acme.example", "acme.example"),
        (" ACME.Example. ", "acme.example"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER.example", "xn--bcher-kva.example"),
        ("straße.example", "xn--strae-oqa.example"),
        ("測試。example", "xn--g6w251d.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("a.b.c.d.xn--p1ai", "a.b.c.d.xn--p1ai"),
    ],
)
def test_a_host_is_stored_in_one_form(typed: str, host: str) -> None:
    assert names.host_of(typed, ours=["gateways.example.com"]) == host


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("https://acme.example", "the host alone"),
        ("acme.example/path", "the host alone"),
        ("acme.example:8080", "the host alone"),
        ("ann@acme.example", "the host alone"),
        ("[2001:db8::1]", "the host alone"),
        ("a b.example", "the host alone"),
        ("a\0.example", "the host alone"),
        ("127.0.0.1", "An address of numbers"),
        ("0x7f.1", "An address of numbers"),
        ("acme", "at least two parts"),
        ("", "at least two parts"),
        ("localhost", "at least two parts"),
        ("x.localhost", "no name of a host"),
        ("x.invalid", "no name of a host"),
        ("a_b.example", "no name of a host"),
        ("-a.example", "no name of a host"),
        ("a..example", "no name of a host"),
        ("*.example", "no name of a host"),
        ("{any}.example", "no name of a host"),
        ("acme.x", "no name of a host"),
        ("x" * 64 + ".example", "no name of a host"),
        (".".join(["abcdefgh"] * 30) + ".example", "at most 241 characters"),
        ("☃.example", "These letters"),
        ("gateways.example.com", "the installation's own"),
        ("GATEWAYS.example.com.", "the installation's own"),
    ],
)
def test_what_is_no_host_has_a_sentence(typed: str, sentence: str) -> None:
    with pytest.raises(NotAHost, match=sentence):
        names.host_of(typed, ours=["localhost", "gateways.example.com"])


@given(st.text(max_size=80) | st.from_regex(r"[a-zü.\-*_0-9:]{1,40}", fullmatch=True))
def test_whatever_is_typed_is_a_host_or_has_a_sentence(typed: str) -> None:
    try:
        host, sentence = names.host_of(typed, ours=[]), ""
    except NotAHost as refused:
        host, sentence = "", str(refused)
    assert sentence.endswith(".") if sentence else names.is_host(host)
    assert sentence or names.host_of(host, ours=[]) == host


def test_letters_of_other_scripts_are_shown_with_what_is_stored() -> None:
    assert names.shown("xn--bcher-kva.example") == "bücher.example (xn--bcher-kva.example)"
    assert [names.shown(host) for host in ("acme.example", "xn--a.example")] == ["acme.example", "xn--a.example"]


def test_a_host_below_the_installations_is_given_and_not_claimed(in_acme: World, settings: Any) -> None:
    settings.SITE_HOSTS = ["gateways.example.com"]
    with pytest.raises(DomainRefused, match="whoever runs that can give it to you"):
        claim_domain(host="acme.gateways.example.com", purpose=PORTAL)
    assert vouch(host="acme.gateways.example.com", purpose=PORTAL).state == "proven"


# When


def test_a_claim_is_looked_at_soon_then_hourly_and_at_last_no_more() -> None:
    waited, looks = timedelta(), []
    while wait := schedule.wait_for_proof(waited):
        waited += wait
        looks.append(waited)
    assert [look.total_seconds() / 60 for look in looks[:5]] == [1, 5, 15, 75, 135]
    assert timedelta(days=3) <= looks[-1] < timedelta(days=3, hours=1)


@given(st.floats(0, 1))
def test_what_is_proven_is_looked_at_daily_and_hourly_while_it_fails(share: float) -> None:
    wait = schedule.wait_of_proven(is_failing=False, share=share)
    assert timedelta(hours=22) <= wait <= timedelta(hours=26)
    assert schedule.wait_of_proven(is_failing=True, share=share) == timedelta(hours=1)
    assert [schedule.has_lapsed(timedelta(days=days)) for days in (6.9, 7)] == [False, True]


# What is looked up


@pytest.mark.usefixtures("no_file")
@pytest.mark.parametrize(
    ("records", "fault"),
    [
        (["commonhold=token"], ""),
        (["v=spf1 -all", "commonhold=token"], ""),
        (None, "There is no TXT record at _commonhold.apis.acme.example yet."),
        ([], "There is no TXT record at _commonhold.apis.acme.example yet."),
        (["commonhold=other"], "The record there holds another value: commonhold=other."),
        (["commonhold=token "], "The record there holds another value: commonhold=token ."),
        (["COMMONHOLD=token"], "The record there holds another value: COMMONHOLD=token."),
        (["token"], "The record there holds another value: token."),
        (["a", "b", "c", "d"], "The record there holds another value: a, b, c."),
        (["x" * 300], f"The record there holds another value: {'x' * 59}…."),
        (["<b>ü"], "The record there holds another value: <b>\\xc3\\xbc."),
        ([""], "The record there holds another value: ."),
    ],
)
def test_a_record_proves_a_host_or_says_why_not(names: NameServer, records: list[str] | None, fault: str) -> None:
    if records is not None:
        names.records[RECORD] = records
    found = proving.ask_for_record(HOST, "token")
    assert (found.is_there, found.is_certain) == (not fault, bool(fault))
    assert found.fault == fault


def test_a_name_server_that_says_nothing_is_left_in_time(names: NameServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proving, "DEADLINE_S", 1.0)
    names.silent.add(RECORD)
    begun = time.monotonic()
    assert proving.ask_for_record(HOST, "token") == Answer(fault="The name server did not answer.")
    assert time.monotonic() - begun < 2


def test_a_name_server_that_is_broken_is_no_proof_that_nothing_is_there(names: NameServer) -> None:
    names.broken.add(RECORD)
    assert proving.ask_for_record(HOST, "token") == Answer(fault="The name server answered with an error.")


def test_each_look_asks_anew(names: NameServer) -> None:
    names.records[RECORD] = ["commonhold=token"]
    assert proving.ask_for_record(HOST, "token").is_there
    names.records[RECORD] = []
    assert not proving.ask_for_record(HOST, "token").is_there


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\ntoken", Answer(is_there=True)),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\ntoken\n", Answer(is_there=True)),
        (b"HTTP/1.1 200 OK\r\n\r\ntoken2", Answer(fault="it holds something else.", is_certain=True)),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 1_000_000, Answer(fault="it holds something else.", is_certain=True)),
        (b"HTTP/1.1 404 Not Found\r\n\r\ntoken", Answer(fault="the host answered 404.", is_certain=True)),
        (
            b"HTTP/1.1 302 Found\r\nLocation: /token\r\n\r\ntoken",
            Answer(fault="the host answered 302.", is_certain=True),
        ),
        (b"HTTP/1.1 503 Busy\r\n\r\ntoken", Answer(fault="the host answered 503.", is_certain=False)),
        (b"SSH-2.0\r\n", Answer(fault="It answered something that is not HTTP.", is_certain=False)),
    ],
)
def test_a_file_proves_a_host_or_says_why_not(host_serves: Serve, answer: bytes, found: Answer) -> None:
    server = host_serves(answer)
    assert proving.ask_for_file(HOST, "token") == found
    assert b"GET /.well-known/commonhold-domain HTTP/1.1\r\n" in server.sent[0]


def test_no_file_is_read_from_within_our_network(host_serves: Serve, settings: Any) -> None:
    server = host_serves(b"HTTP/1.1 200 OK\r\n\r\ntoken")
    settings.PRIVATE_TARGETS = False
    fault = "apis.acme.example is a private address: only public addresses are called."
    assert proving.ask_for_file(HOST, "token") == Answer(fault=fault)
    assert server.sent == []


# Claims and proofs


@pytest.mark.usefixtures("no_file")
def test_a_claim_becomes_proven_by_its_record(world: World, names: NameServer) -> None:
    domain = claimed(world.acme)
    check()
    waiting = now_of(domain)
    assert (waiting.state, waiting.fault) == ("waiting", f"There is no TXT record at {RECORD} yet. As for the file: ")
    prove(names, domain)
    check()
    assert now_of(domain).state == "waiting"  # it is not due yet
    due_again(domain)
    check()
    proven = now_of(domain)
    assert (proven.state, proven.proven_by, proven.fault) == ("proven", "dns", "")
    assert proven.check_due_at is not None
    assert timedelta(hours=21) < proven.check_due_at - timezone.now() < timedelta(hours=27)
    assert trail(world.acme) == [("created", HOST), ("proven", HOST)]


def test_a_claim_becomes_proven_by_its_file_but_for_apis(world: World, names: NameServer, host_serves: Serve) -> None:
    site, apis = claimed(world.acme, "acme.example"), claimed(world.acme, "apis.example", APIS)
    host_serves(f"HTTP/1.1 200 OK\r\n\r\n{site.token}\n".encode())
    check()
    assert (now_of(site).state, now_of(site).proven_by) == ("proven", "file")
    host_serves(f"HTTP/1.1 200 OK\r\n\r\n{apis.token}\n".encode())
    due_again(apis)
    check()
    assert (now_of(apis).state, "file" in now_of(apis).fault) == ("waiting", False)
    with scope.opened(scope.of(world.acme.id)), pytest.raises(DomainRefused, match="the record in DNS is needed"):
        services.change_purpose(domain=site, purpose=APIS)
    assert now_of(site).purpose == DASHBOARD


@pytest.mark.usefixtures("no_file")
def test_of_two_who_claim_a_host_the_one_who_proves_it_gets_it(world: World, names: NameServer) -> None:
    squatter, owner = claimed(world.globex), claimed(world.acme)
    assert squatter.token != owner.token
    prove(names, owner)
    check()
    assert (now_of(owner).state, now_of(squatter).state) == ("proven", "waiting")
    due_again(squatter)
    check()
    fault = now_of(squatter).fault
    assert fault.startswith("The record there holds another value: commonhold=")
    assert "Acme" not in fault
    assert trail(world.globex) == [("created", HOST)]


@pytest.mark.usefixtures("no_file")
def test_who_proves_a_host_that_another_one_has_proven_is_told_of_nobody(world: World, names: NameServer) -> None:
    first, second = claimed(world.acme), claimed(world.globex)
    prove(names, first)
    check()
    prove(names, first, second)
    due_again(second)
    check()
    assert (now_of(first).state, now_of(second).state, now_of(second).fault) == ("proven", "waiting", TAKEN)
    assert trail(world.globex) == [("created", HOST)]
    assert trail(world.acme) == [("created", HOST), ("proven", HOST)]
    names.records[RECORD].pop(0)
    due_again(second)
    check()
    assert (now_of(first).state, now_of(second).state) == ("lapsed", "proven")
    assert trail(world.acme)[-1] == ("lapsed", HOST)
    assert "Globex" not in now_of(first).fault


@pytest.mark.usefixtures("no_file")
def test_a_name_server_that_fails_takes_no_host_away(world: World, names: NameServer, host_serves: Serve) -> None:
    """Who shows a file while the record of who has the host cannot be asked for does not get it."""
    holder, newcomer = claimed(world.acme), claimed(world.globex)
    prove(names, holder)
    check()
    host_serves(f"HTTP/1.1 200 OK\r\n\r\n{newcomer.token}".encode())
    names.broken.add(RECORD)
    due_again(newcomer)
    check()
    assert (now_of(holder).state, now_of(newcomer).fault) == ("failing", TAKEN)


def test_the_record_outranks_the_file(world: World, names: NameServer, host_serves: Serve) -> None:
    by_file, by_record = claimed(world.globex), claimed(world.acme)
    host_serves(f"HTTP/1.1 200 OK\r\n\r\n{by_file.token}".encode())
    check()
    assert (now_of(by_file).state, now_of(by_record).state) == ("proven", "waiting")
    prove(names, by_record)
    due_again(by_record)
    check()
    assert (now_of(by_file).state, now_of(by_record).state) == ("lapsed", "proven")


@pytest.mark.usefixtures("no_file")
def test_what_was_given_is_never_looked_up_nor_taken_over(world: World, names: NameServer) -> None:
    with scope.opened(scope.of(world.globex.id)):
        given_one = vouch(host=HOST, purpose=DASHBOARD)
        services.check_now(domain=given_one)
    claim = claimed(world.acme)
    prove(names, claim)
    check()
    assert (now_of(given_one).check_due_at, now_of(claim).fault) == (None, TAKEN)
    with scope.opened(scope.of(world.acme.id)), pytest.raises(DomainRefused, match="cannot be used"):
        vouch(host=HOST, purpose=DASHBOARD)
    assert now_of(claim).state == "waiting"


@pytest.mark.usefixtures("no_file")
def test_a_proof_that_is_gone_is_warned_of_and_lapses_after_a_week(world: World, names: NameServer) -> None:
    domain = claimed(world.acme)
    prove(names, domain)
    check()
    names.records[RECORD] = []
    for _ in range(2):
        due_again(domain)
        check()
        failing = now_of(domain)
        assert (failing.state, failing.fault[:25]) == ("failing", "There is no TXT record at")
    assert [action for action, _ in trail(world.acme)] == ["created", "proven", "failing"]
    change(domain, failing_since=timezone.now() - timedelta(days=7, minutes=1), check_due_at=timezone.now())
    check()
    lapsed = now_of(domain)
    assert (lapsed.state, lapsed.proven_at, lapsed.proven_by, lapsed.check_due_at) == ("lapsed", None, "", None)
    assert [action for action, _ in trail(world.acme)] == ["created", "proven", "failing", "lapsed"]
    prove(names, domain)
    due_again(domain)
    check()
    assert now_of(domain).state == "proven"


@pytest.mark.usefixtures("no_file")
def test_a_proof_that_comes_back_is_proven_again(world: World, names: NameServer) -> None:
    domain = claimed(world.acme)
    prove(names, domain)
    check()
    for records, state in (([], "failing"), ([f"commonhold={domain.token}"], "proven")):
        names.records[RECORD] = records
        due_again(domain)
        check()
        assert now_of(domain).state == state
    assert [action for action, _ in trail(world.acme)] == ["created", "proven", "failing", "proven"]


@pytest.mark.usefixtures("no_file")
def test_one_dead_name_server_delays_nobody(world: World, names: NameServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proving, "DEADLINE_S", 3.0)
    dead = [claimed(world.globex, f"dead{number}.example") for number in range(6)]
    names.silent |= {f"_commonhold.{domain.host}" for domain in dead}
    domain = claimed(world.acme)
    prove(names, domain)
    checks, begun = Checks(), time.monotonic()
    while now_of(domain).state != "proven":
        checks.work()
        assert time.monotonic() - begun < 2
    assert len(checks.running) <= checking.SIDE_BY_SIDE_OF_ONE
    change(domain, check_due_at=None)
    for one in dead:
        change(one, check_due_at=None)
    check(checks)


@pytest.mark.usefixtures("no_file")
def test_what_one_worker_looks_at_another_one_leaves(world: World, names: NameServer) -> None:
    domain = claimed(world.acme)
    one = checking.claim_due(world.acme.id)
    assert one is not None
    assert checking.claim_due(world.acme.id) is None
    leased = now_of(domain).check_due_at
    assert leased is not None
    assert leased > timezone.now() + timedelta(minutes=1)


@pytest.mark.usefixtures("no_file")
def test_what_is_asked_for_meanwhile_is_looked_at_again(world: World, names: NameServer) -> None:
    domain = claimed(world.acme)
    one = checking.claim_due(world.acme.id)
    assert one is not None
    pressed: datetime = timezone.now()
    due_again(domain)
    checking.note(one, checking.look_up(one))
    due = now_of(domain).check_due_at
    assert due is not None
    assert pressed <= due <= timezone.now()


@pytest.mark.usefixtures("no_file")
def test_what_is_deleted_while_it_is_looked_at_stays_deleted(world: World, names: NameServer) -> None:
    domain = claimed(world.acme)
    one = checking.claim_due(world.acme.id)
    assert one is not None
    with scope.opened(scope.of(world.acme.id)):
        services.delete_domain(domain=domain)
        assert checking.note(one, proving.Look(by="dns"))
        assert not Domain.objects.exists()


def test_a_host_is_claimed_once_by_one_and_not_without_end(in_acme: World, monkeypatch: pytest.MonkeyPatch) -> None:
    claim_domain(host="acme.example", purpose=PORTAL)
    with pytest.raises(DomainRefused, match="in the list already"):
        claim_domain(host="ACME.example.", purpose=DASHBOARD)
    monkeypatch.setattr(services, "MOST_DOMAINS", 1)
    with pytest.raises(DomainRefused, match="There are 1 domains"):
        claim_domain(host="other.example", purpose=DASHBOARD)


def test_pressing_the_button_again_waits_a_little(world: World) -> None:
    domain = claimed(world.acme)
    change(domain, checked_at=timezone.now())
    with scope.opened(scope.of(world.acme.id)):
        services.check_now(domain=domain)
    due = now_of(domain).check_due_at
    assert due is not None
    assert due > timezone.now() + timedelta(seconds=5)

"""What people tried who meant harm: each of these once took something down, told something, or got further."""

import io
import json
import logging
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.db.models import QuerySet
from django.http import QueryDict
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

import apis.lists
import keys.lists
from apis import definition, openapi
from apis.definition import Authentication, Basics, DefinitionError
from apis.services import create_api
from dashboard.limits import OF_USERS, OF_VISITORS
from keys.models import Key
from keys.services import create_key
from orgs import scope
from orgs.addresses import MAX_TARGET
from orgs.export import cell
from orgs.models import AuditEntry
from orgs.permissions import Level, ObjectKind
from tests.conftest import World, signed_in, user
from users.models import Invitation, SignInFailure
from users.services import groups, invitations, lockout
from users.services.errors import BeyondRights


def cursor(value: str) -> str:
    return urlsafe_b64encode(value.encode()).decode()


BASICS = Basics(
    name="Orders", listen_path="/orders/", target_url="https://orders.example.com/", tags=[], active=True,
    authentication=Authentication.TOKEN, rate=0, per=0,
)  # fmt: skip
HALF_A_PAIR = json.dumps(["\ud800", "a"])


@pytest.mark.parametrize(
    "path",
    [
        "/apis/?tag=%00",
        "/keys/?tag=%00",
        f"/keys/?sort=alias&after={cursor(HALF_A_PAIR)}",
        f"/keys/?sort=alias&after={cursor('[' * 2900)}",
        f"/keys/?sort=alias&after={cursor('[[1], [2]]')}",
        "/audit/?until=9999-12-31&since=0001-01-01",
        "/audit.csv?until=9999-12-31",
    ],
)
def test_crooked_addresses_are_answered(world: World, path: str) -> None:
    assert signed_in(world.ann).get(path).status_code == 200


def test_visited_address_with_a_nul_is_not_there_and_noted(world: World) -> None:
    assert signed_in(world.uma).get("/o/acme/%00a/").status_code == 404
    with scope.opened(scope.of(world.acme.id)):
        assert list(AuditEntry.objects.values_list("actor", "action", "object_name")) == [
            (world.uma.email, "visited", "/a/")
        ]


@pytest.mark.parametrize("path", ["/", "/o/acme/sign-in/", "/o/acme/password-reset/"])
def test_address_that_grows_in_lower_case_is_none(world: World, path: str) -> None:
    answer = Client().post(path, {"email": "İ" * 200 + "@acme.example", "password": "x"})
    assert answer.context["form"].errors["email"][0] == "Enter a valid email address."


# Secrets in places that others read


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What the configured log writes, as it leaves the process."""
    [console] = [handler for handler in logging.getLogger().handlers if handler.name == "console"]
    assert isinstance(console, logging.StreamHandler)
    written = io.StringIO()
    before = console.setStream(written)
    try:
        yield written
    finally:
        console.setStream(before)


@pytest.mark.parametrize("path", ["/o/acme/invitation/S3CRET/", f"/o/acme/password-reset/{'a' * 24}/S3CRET/"])
def test_log_holds_no_link_that_was_mailed(world: World, log: io.StringIO, path: str) -> None:
    Client().options(path)  # as mail scanners may ask
    Client(enforce_csrf_checks=True).post(path, {"name": "x"})
    Client().get(f"{path.rstrip('/')}).")  # as copied from a sentence
    lines = log.getvalue().splitlines()
    assert [line.partition(": ")[2].partition(" ")[0] for line in lines] == ["Method", "Forbidden", "Not"]
    assert "S3CRET" not in log.getvalue()


def test_sentence_in_a_cell_starts_no_formula_where_semicolons_part_cells() -> None:
    assert [cell(text) for text in ("a;=1+1", "a; @x", "a\n-1", "=1;=2", "rate 1 → -1; b", 5)] == [
        "a;'=1+1", "a;' @x", "a\n'-1", "'=1;'=2", "rate 1 → -1; b", 5,
    ]  # fmt: skip


# What is sent


@pytest.mark.parametrize("path", ["/", "/o/acme/sign-in/", "/o/acme/keys/"])
def test_visitors_send_no_files(world: World, path: str) -> None:
    file = SimpleUploadedFile("large", b" " * OF_VISITORS)
    assert Client().post(path, {"file": file}).status_code == 413


def test_users_send_no_more_than_an_import_takes(world: World) -> None:
    answer = signed_in(world.ann).post("/apis/import/", {"text": "x"}, headers={"Content-Length": str(OF_USERS + 1)})
    assert (answer.status_code, "larger than 64 MB" in answer.content.decode()) == (413, True)


def document(**server: object) -> str:
    return json.dumps({"openapi": "3.0.3", "info": {"title": "t", "version": "1"}, "paths": {}, "servers": [server]})


def test_server_variables_that_name_each_other_do_not_multiply() -> None:
    variables = {f"v{n}": {"default": f"{{v{n + 1}}}{{v{n + 1}}}"} for n in range(50)}
    assert openapi.read(document(url="http://{v0}/", variables=variables)).servers == ("http://{v1}{v1}/",)


def test_server_addresses_grow_to_no_more_than_a_target_may_be_long() -> None:
    [server] = openapi.read(document(url="{a}" * 600, variables={"a": {"default": "x" * 2000}})).servers
    assert len(server) == MAX_TARGET + 1


def test_a_hundred_faults_of_a_definition_are_enough() -> None:
    with pytest.raises(DefinitionError) as refused:
        definition.load(json.dumps({"name": "a", "tags": [1] * 150_000}))
    assert len(refused.value.problems) == definition.MOST_PROBLEMS


# Guessing


@pytest.fixture
def stale(in_acme: World) -> Callable[[str], SignInFailure]:
    def make(email: str) -> SignInFailure:
        long_ago = timezone.now() - 2 * lockout.LOCKED_FOR
        return SignInFailure.objects.create(
            organisation_id=in_acme.acme.id, email=email, address="192.0.2.1", count=1, last_at=long_ago
        )

    return make


def test_whoever_has_a_network_of_addresses_is_counted_once(in_acme: World) -> None:
    addresses = ["2001:db8:1:2::1", "2001:db8:1:2:ffff::7", "2001:db8:1:3::1", "::ffff:192.0.2.1", "192.0.2.1", ""]
    for address in addresses:
        lockout.count_failure(lockout.counter("ann@acme.example", address))
    assert list(SignInFailure.objects.order_by("address").values_list("address", "count")) == [
        ("", 1), ("192.0.2.1", 2), ("2001:db8:1:2::", 2), ("2001:db8:1:3::", 1),
    ]  # fmt: skip


def test_failures_leave_no_heap_of_failures(in_acme: World, stale: Callable[[str], SignInFailure]) -> None:
    stale("a@b.example")
    lockout.count_failure(lockout.counter("c@d.example", "192.0.2.1"))
    assert list(SignInFailure.objects.values_list("email", flat=True)) == ["c@d.example"]


def test_cleaning_up_waits_for_nobody(in_acme: World) -> None:
    with CaptureQueriesContext(connection) as asked:
        lockout.forget_stale()
    assert "SKIP LOCKED" in asked[0]["sql"]


# Rank


def test_invitation_to_a_group_is_revoked_by_who_could_give_it(in_acme: World) -> None:
    group = groups.create_group(name="Keys", description="", permissions={ObjectKind.KEYS: Level.WRITE}, by=None)
    invitation = Invitation.objects.create(
        organisation=in_acme.acme, email="new@acme.example", group_ids=[group.pk], expires_at=timezone.now()
    )
    manager = user("manager@acme.example", in_acme.acme, permissions={"users": "write"})
    with pytest.raises(BeyondRights, match="Keys"):
        invitations.revoke(invitation=invitation, by=manager)
    assert Invitation.objects.count() == 1


# What is kept between pages


def test_list_that_was_read_is_not_shown_to_the_next_organisation(world: World) -> None:
    with scope.opened(scope.of(world.acme.id)):
        create_api(definition=definition.build(**BASICS))
        create_key(alias="Acme's", has_all_apis=True)
        assert (len(apis.lists.narrowed(QueryDict())), len(keys_of_anybody())) == (1, 1)
    with scope.opened(scope.of(world.globex.id)):
        assert (list(apis.lists.narrowed(QueryDict())), list(keys_of_anybody())) == ([], [])


def keys_of_anybody() -> QuerySet[Key]:
    return keys.lists.narrowed(QueryDict(), now=timezone.now())

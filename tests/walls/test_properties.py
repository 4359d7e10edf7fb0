"""Random deeds in two organisations, against a plain model in which nothing can cross.

To add a service: a rule that calls it through `do` and does the same to `self.expected`; a line in `seen`.
"""

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from apis.models import Api
from apis.services import ListenPathTaken, delete_api, import_text, set_active
from keys.models import Key
from keys.services import create_key, disable_key, enable_key, revoke_key
from orgs import scope
from orgs.models import AuditEntry, Organisation
from orgs.permissions import NO_PERMISSIONS
from orgs.services import create_organisation, update_organisation
from users.models import Group, User
from users.services.errors import EmailTaken, NameTaken
from users.services.groups import create_group, delete_group
from users.services.people import create_user, delete_user, disable_user

# `make soak` sets it: how many random sequences are tried.
EXAMPLES = int(os.environ.get("SOAK_EXAMPLES", "8"))
SLUGS = st.sampled_from(["acme", "globex"])
NAMES = st.sampled_from(["a", "b", "c"])
DOCUMENT = """
openapi: 3.0.3
info: {title: %s, version: "1"}
servers: [{url: "https://orders.example"}]
paths: {/orders: {get: {responses: {"200": {description: ok}}}}}
"""
Facts = dict[str, dict[str, Any]]


class TwoOrganisations(RuleBasedStateMachine):
    """`expected` holds, for each organisation, what each kind of object should be: {kind: {name: state}}."""

    def __init__(self) -> None:
        super().__init__()
        self.transaction: AbstractContextManager[None] = transaction.atomic()
        self.transaction.__enter__()
        self.ids = {slug: create_organisation(slug=slug, name=slug).id for slug in ("acme", "globex")}
        self.expected: dict[str, Facts] = {
            slug: {"name": {slug: slug}, "users": {}, "groups": {}, "apis": {}, "keys": {}} for slug in self.ids
        }
        self.lines = dict.fromkeys(self.ids, 1)

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.transaction.__exit__(None, None, None)

    def inside(self, slug: str) -> AbstractContextManager[object]:
        return scope.opened(scope.of(self.ids[slug]))

    def do(self, slug: str, deed: Callable[[], object], *refusals: type[Exception]) -> bool:
        """Do it in this organisation, and count its audit line; return whether it was done."""
        with self.inside(slug):
            try:
                with transaction.atomic():
                    deed()
            except refusals:
                return False
        self.lines[slug] += 1
        return True

    @rule(slug=SLUGS, name=NAMES)
    def name_organisation(self, slug: str, name: str) -> None:
        with self.inside(slug):
            organisation = Organisation.objects.get()
        self.do(
            slug,
            lambda: update_organisation(
                organisation=organisation, name=name, colour="red", contact="", record_days=None
            ),
        )
        self.expected[slug]["name"] = {slug: name}

    @rule(slug=SLUGS, name=NAMES)
    def add_user(self, slug: str, name: str) -> None:
        users = self.expected[slug]["users"]
        email = f"{name}@example.com"
        done = self.do(slug, lambda: create_user(email=email, name=name), EmailTaken)
        assert done == (email not in users)
        users.setdefault(email, True)

    @rule(slug=SLUGS, name=NAMES)
    def disable(self, slug: str, name: str) -> None:
        users, email = self.expected[slug]["users"], f"{name}@example.com"
        if users.get(email):
            self.do(slug, lambda: disable_user(user=User.objects.get(email=email), by=None))
            users[email] = False

    @rule(slug=SLUGS, name=NAMES)
    def remove_user(self, slug: str, name: str) -> None:
        email = f"{name}@example.com"
        if self.expected[slug]["users"].pop(email, None) is not None:
            self.do(slug, lambda: delete_user(user=User.objects.get(email=email), by=None))

    @rule(slug=SLUGS, name=NAMES)
    def add_group(self, slug: str, name: str) -> None:
        groups = self.expected[slug]["groups"]
        add = lambda: create_group(name=name, description=slug, permissions=NO_PERMISSIONS, by=None)  # noqa: E731
        assert self.do(slug, add, NameTaken) == (name not in groups)
        groups[name] = slug

    @rule(slug=SLUGS, name=NAMES)
    def remove_group(self, slug: str, name: str) -> None:
        if self.expected[slug]["groups"].pop(name, None):
            self.do(slug, lambda: delete_group(group=Group.objects.get(name=name), by=None))

    @rule(slug=SLUGS, name=NAMES)
    def add_api(self, slug: str, name: str) -> None:
        """A listen path is one installation's: whoever comes second is refused."""
        add = lambda: import_text(DOCUMENT % name, listen_path=f"/{name}/")  # noqa: E731
        is_taken = any(name in facts["apis"] for facts in self.expected.values())
        assert self.do(slug, add, ListenPathTaken) == (not is_taken)
        if not is_taken:
            with self.inside(slug):
                self.expected[slug]["apis"][name] = Api.objects.get(listen_path=f"/{name}/").is_active

    @rule(slug=SLUGS, name=NAMES, is_active=st.booleans())
    def switch_api(self, slug: str, name: str, is_active: bool) -> None:
        apis = self.expected[slug]["apis"]
        if apis.get(name, is_active) != is_active:
            self.do(slug, lambda: set_active(api=Api.objects.get(listen_path=f"/{name}/"), is_active=is_active))
            apis[name] = is_active

    @rule(slug=SLUGS, name=NAMES)
    def remove_api(self, slug: str, name: str) -> None:
        if self.expected[slug]["apis"].pop(name, None) is not None:
            self.do(slug, lambda: delete_api(api=Api.objects.get(listen_path=f"/{name}/")))

    @precondition(lambda self: all(len(facts["keys"]) < 5 for facts in self.expected.values()))
    @rule(slug=SLUGS)
    def add_key(self, slug: str) -> None:
        alias = f"key {len(self.expected[slug]['keys'])}"
        self.do(slug, lambda: create_key(alias=alias, has_all_apis=True))
        self.expected[slug]["keys"][alias] = "active"

    @rule(slug=SLUGS, number=st.integers(0, 4), to=st.sampled_from(["disabled", "active", "revoked"]))
    def change_key(self, slug: str, number: int, to: str) -> None:
        keys, alias = self.expected[slug]["keys"], f"key {number}"
        if keys.get(alias, "revoked") not in ("revoked", to):
            change: Any = {"disabled": disable_key, "active": enable_key, "revoked": revoke_key}[to]
            self.do(slug, lambda: change(key=Key.objects.get(alias=alias)))
            keys[alias] = to

    @invariant()
    def each_organisation_is_as_its_own_deeds_made_it(self) -> None:
        for slug in self.ids:
            with self.inside(slug):
                assert seen() == self.expected[slug]
                assert AuditEntry.objects.count() == self.lines[slug]


def seen() -> Facts:
    """Return the whole of what the open scope shows."""
    return {
        "name": dict(Organisation.objects.values_list("slug", "name")),
        "users": dict(User.objects.values_list("email", "is_active")),
        "groups": dict(Group.objects.values_list("name", "description")),
        "apis": {path.strip("/"): is_active for path, is_active in Api.objects.values_list("listen_path", "is_active")},
        "keys": {key.alias: state(key) for key in Key.objects.all()},
    }


def state(key: Key) -> str:
    return "revoked" if key.revoked_at else "disabled" if key.is_disabled else "active"


@pytest.mark.usefixtures("db")
def test_deeds_in_two_organisations_never_touch_each_other() -> None:
    run_state_machine_as_test(
        TwoOrganisations,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.explicit, Phase.generate, Phase.shrink],
            database=None,
        ),
    )

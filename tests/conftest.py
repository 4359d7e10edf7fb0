"""People: acme has ann (administrator) and al (reader), globex has gus (administrator), uma is unbounded.

The database is a real PostgreSQL, used through the web's role with every wall in place.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import cast

import psycopg
import pytest
import redis
from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.hashers import make_password
from django.core.management import call_command
from django.db import connection
from django.test import Client
from psycopg import sql
from pytest_django import Settings
from pytest_django.plugin import DjangoDbBlocker

from dashboard import embedded, embedded_valkey, machines
from dashboard.rates import Rates
from orgs import hosts, scope
from orgs.models import Organisation
from users.models import User
from users.sessions import SessionStore

PASSWORD = "correct horse battery staple"


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):
        return
    if settings.EMBEDDED_DATABASE:
        embedded.start(settings.VAR_DIR, fast_and_unsafe=True)
    if settings.EMBEDDED_VALKEY:
        embedded_valkey.start(settings.VAR_DIR, settings.GATEWAY_REDIS_URL, fast_and_unsafe=True)


def pytest_unconfigure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):
        return
    if settings.EMBEDDED_VALKEY:
        embedded_valkey.stop(settings.VAR_DIR)
    if settings.EMBEDDED_DATABASE:
        embedded.stop(settings.VAR_DIR)


def create_database(name: str) -> None:
    owner: dict[str, str] = settings.DATABASE_OWNER  # type: ignore[assignment]
    with psycopg.connect(
        dbname=owner["NAME"], user=owner["USER"], password=owner["PASSWORD"], host=owner["HOST"], port=owner["PORT"],
        autocommit=True,
    ) as server:  # fmt: skip
        server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Each worker has its own database, migrated by the owner; the tests then use it as the web does."""
    name = f"commonhold_test_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    create_database(name)
    with django_db_blocker.unblock():
        connection.settings_dict["NAME"] = name
        call_command("migrate", verbosity=0)
        yield
        connection.close()


@pytest.fixture(autouse=True)
def nobody_has_guessed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wrong credentials of one test do not count against the next."""
    monkeypatch.setattr(machines, "FAILURES", Rates(per_second=0.2, burst=20))


@pytest.fixture(autouse=True)
def no_host_is_known() -> None:
    """What one test found of a host is another one's in the next."""
    hosts.REMEMBERED.forget()


@pytest.fixture
def valkey(settings: Settings) -> Iterator[redis.Redis]:
    """An empty Redis, to which the settings lead: each worker has a database of its own in the tests' Valkey."""
    if not settings.EMBEDDED_VALKEY:
        pytest.skip("there is neither a valkey-server nor a redis-server")
    number = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    settings.GATEWAY_REDIS_URL = f"{settings.GATEWAY_REDIS_URL}/{number}"
    with redis.Redis.from_url(settings.GATEWAY_REDIS_URL) as client:
        client.flushdb()
        yield client


@dataclass(frozen=True)
class World:
    """Two organisations that could see each other, and someone who sees both."""

    acme: Organisation
    globex: Organisation
    ann: User
    al: User
    gus: User
    uma: User


def organisation(slug: str, **fields: str) -> Organisation:
    made = Organisation(slug=slug, name=fields.pop("name", slug.capitalize()), **fields)
    with scope.opened(scope.of(made.id)):
        made.save(force_insert=True)
    return made


@cache
def hashed(password: str) -> str:
    """Argon2 is slow on purpose: once is enough."""
    return make_password(password)


def user(email: str, of: Organisation | None, **fields: object) -> User:
    made = User(email=email, name=email.partition("@")[0].capitalize(), **fields)
    made.organisation, made.is_unbounded = of, of is None
    made.password = hashed(PASSWORD)
    with scope.opened(scope.of(of.id) if of else scope.INSTALLATION):
        made.save(force_insert=True)
    return made


READS_EVERYTHING = {
    "apis": "read", "keys": "read", "policies": "read", "certificates": "read",
    "webhooks": "read", "oauth_clients": "read", "users": "read", "user_groups": "read",
    "portal": "read", "analytics": "read", "system": "read", "audit": "read",
}  # fmt: skip


@pytest.fixture
def world(db: None) -> World:
    acme, globex = organisation("acme"), organisation("globex")
    return World(
        acme=acme,
        globex=globex,
        ann=user("ann@acme.example", acme, is_administrator=True),
        al=user("al@acme.example", acme, permissions=READS_EVERYTHING),
        gus=user("gus@globex.example", globex, is_administrator=True),
        uma=user("uma@hosting.example", None),
    )


@pytest.fixture
def in_acme(world: World) -> Iterator[World]:
    """Run the test's body in acme's scope."""
    with scope.opened(scope.of(world.acme.id)):
        yield world


class SiteClient(Client):
    """A browser that is signed in to one site; paths are given below the site's prefix."""

    def __init__(self, prefix: str) -> None:
        super().__init__()
        self.prefix = prefix

    def generic(self, method: str, path: str, *args: object, **kwargs: object) -> object:  # type: ignore[override]
        full = path if path.startswith(self.prefix) else self.prefix + path
        return super().generic(method, full, *args, **kwargs)  # type: ignore[arg-type]


def signed_in(person: User, *, prefix: str | None = None) -> SiteClient:
    """Return a client with a real session of this person, made as a sign-in makes it."""
    with scope.opened(scope.of(person.organisation_id) if person.organisation_id else scope.INSTALLATION):
        session = SessionStore()
        session[SESSION_KEY], session[HASH_SESSION_KEY] = person.pk, person.get_session_auth_hash()
        session["_auth_user_backend"] = settings.AUTHENTICATION_BACKENDS[0]
        session.create()
        slug = person.organisation.slug if person.organisation else ""
    client = SiteClient(prefix or (f"/o/{slug}" if slug else "/all"))
    suffix = f"o-{slug}" if slug else "all"
    client.cookies[f"{settings.SESSION_COOKIE_NAME}_{suffix}"] = cast(str, session.session_key)
    return client

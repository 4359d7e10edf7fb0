"""Builds what gateways fetch, of what has changed: an organisation's own, in its scope.

Here and not in the change itself, so that nothing which gets into a row in some other way gets to gateways unchecked.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from django.conf import settings
from django.db import OperationalError, connection
from django.db.models.functions import Now

from apis import tags
from apis.models import Api
from gateways import outbox
from gateways.feed.texts import Undeliverable, api_text, policy_text
from gateways.models import FeedItem, Lane, Serving, ThisTransaction
from gateways.outbox import FEEDS, RELOAD, Entry
from keys import rights
from keys.models import Policy
from keys.policies.rights import accesses_of
from keys.policies.wire import policies_json
from keys.session import Access
from orgs import scope
from orgs.models import Domain, Organisation
from orgs.turns import Turns

log = logging.getLogger(__name__)
ENTRIES_OF_ONE, ORGANISATIONS_AT_ONCE = 100, 20
LONGEST_HISTORY = 20
GONE = "It has been deleted."
# Raise this when the rules change: everything is looked at again. Part of it are settings that the rules follow.
RULES = 2
TURNS = Turns()


def rules() -> str:
    return f"{RULES}{'+loopback' if settings.ALLOW_LOOPBACK_TARGETS else ''}"


@dataclass
class Built:
    """What a row of FeedItem is to say. Without a text it is not served, and `fault` says why if it should be."""

    name: str
    revision: int
    text: str = ""
    fault: str = ""
    tags: list[str] = field(default_factory=list)
    depends: str = ""

    @property
    def is_served(self) -> bool:
        return self.text != ""


def build_waiting() -> int:
    """Build what is next of each organisation, where no other worker does; return how many entries."""
    with scope.opened(scope.INSTALLATION):
        Lane.objects.get_or_create(pk=FEEDS)
        if not Lane.objects.select_for_update(skip_locked=True).filter(pk=FEEDS).exists():
            return 0
        with scope.opened(scope.EVERYTHING):
            organisations = TURNS.take(outbox.waiting(FEEDS), most=ORGANISATIONS_AT_ONCE)
        return sum(_give_turn(organisation_id) for organisation_id in organisations)


def _give_turn(organisation_id: str) -> int:
    try:
        with scope.opened(scope.of(organisation_id), savepoint=True):
            entries = outbox.next_entries(FEEDS, most=ENTRIES_OF_ONE)
            build(entries)
            outbox.done(entries)
            return len(entries)
    except OperationalError:
        raise
    except Exception:  # what is wrong with one organisation must not keep the others waiting
        log.exception("Building what gateways fetch of the organisation %s failed.", organisation_id)
        TURNS.put_off(organisation_id)
        return 0


def build(entries: Iterable[Entry]) -> None:
    """Build these of the open organisation, and have told what changes by it."""
    names = {entry.name for entry in entries}
    for kind, make in ((FeedItem.APIS, _apis), (FeedItem.POLICIES, _policies)):
        ids = sorted(name.partition(":")[2] for name in names if name.startswith(f"{kind}:"))
        if ids:
            _write(kind, ids, make(ids))


def _apis(ids: Sequence[str]) -> dict[str, Built]:
    rows = list(Api.objects.filter(pk__in=ids))
    limits = Organisation.objects.get(pk=scope.current_organisation_id()).gateway_session
    known = rights.own_apis(Api.objects.filter(pk__in=ids).order_by())
    proven = _proven_hosts({_host(api.domain) for api in rows if api.domain})
    registered = tags.for_feed({tag for api in rows for tag in (*api.tags, *_tags_in(api.definition))})
    return {
        api.pk: _api(api, limits, registered, proven, depends=repr((api.api_id, api.name, known[api.pk].versions)))
        for api in rows
    }


def _host(domain: str) -> str:
    return domain.partition(":")[0]


def _proven_hosts(hosts: set[str]) -> set[str]:
    """Return those of the hosts that the open organisation has proven, for its APIs."""
    if not hosts:
        return set()
    proven = Domain.objects.filter(host__in=hosts, purpose=Domain.Purpose.APIS, proven_at__isnull=False)
    return set(proven.order_by().values_list("host", flat=True))


class _Tagged(msgspec.Struct):
    tags: list[str] | None = None


def _tags_in(definition: str) -> list[str]:
    """The row's own list of them is not what gateways go by."""
    try:
        return msgspec.json.decode(definition, type=_Tagged).tags or []
    except msgspec.MsgspecError:
        return []  # it is not delivered


def _api(api: Api, limits: dict[str, Any] | None, registered: tags.ForFeed, proven: set[str], *, depends: str) -> Built:
    built = Built(name=api.name[:200], revision=api.revision, depends=depends, tags=list(api.tags))
    if not api.is_active:
        return built
    if api.domain and _host(api.domain) not in proven:
        built.fault = f"Its domain {api.domain} is not proven: prove it under Domains."
        return built
    try:
        built.text, built.tags = api_text(
            api.definition,
            api.openapi if api.is_oas else "",
            id=api.pk,
            api_id=api.api_id,
            organisation_id=str(api.organisation_id),
            tags=registered.automatic,
            foreign=registered.foreign,
            hooks=api.hook_references,
            limits=limits,
            allow_loopback=settings.ALLOW_LOOPBACK_TARGETS,
        )
    except Undeliverable as error:
        built.fault = str(error)
    return built


def _policies(ids: Sequence[str]) -> dict[str, Built]:
    rows = list(Policy.objects.filter(pk__in=ids))
    documents = dict(zip([policy.pk for policy in rows], policies_json(rows), strict=True))
    accesses = accesses_of(rows)
    named = {access.api_id for opened in accesses.values() for access in opened}
    apis = rights.own_apis(Api.objects.filter(pk__in=named).order_by("sort_name", "id"))
    return {
        policy.pk: _policy(policy, documents[policy.pk], rights.written_out(accesses[policy.pk], apis))
        for policy in rows
    }


def _policy(policy: Policy, document: dict[str, Any], accesses: tuple[Access, ...]) -> Built:
    built = Built(name=policy.name, revision=policy.revision)
    try:
        built.text = policy_text(document, accesses, id=policy.pk, organisation_id=str(policy.organisation_id))
    except Undeliverable as error:
        built.fault = str(error)
    built.depends = repr((policy.is_active, policy.partitions, accesses))
    return built


def _write(kind: str, ids: Sequence[str], built: dict[str, Built]) -> None:
    """Write what differs. Gateways reload for it, and keys whose sessions tell of it are delivered again."""
    before = {item.object_id: item for item in FeedItem.objects.filter(kind=kind, object_id__in=ids)}
    changed, depending = False, []
    for id in ids:
        item = before.get(id) or FeedItem(kind=kind, object_id=id)
        now = built.get(id) or Built(name=item.name, revision=0, fault=GONE)
        if item.depends != now.depends:
            depending.append(id)
        if id not in before or (*_sent(item), item.fault, item.revision) != (*_sent(now), now.fault, now.revision):
            changed = changed or _sent(item) != _sent(now)
            _save(item, now, is_new=id not in before)
        elif (item.depends, item.rules) != (now.depends, rules()):
            item.depends, item.rules = now.depends, rules()
            item.save(update_fields=["depends", "rules"])
    if changed:
        outbox.add(RELOAD)
    if depending:
        (outbox.add_keys_of_apis if kind == FeedItem.APIS else outbox.add_keys_of_policies)(depending)


def _sent(one: FeedItem | Built) -> tuple[str, bool]:
    return one.text, one.is_served


def _save(item: FeedItem, now: Built, *, is_new: bool) -> None:
    if item.is_served or now.is_served:  # else the feed stays as it is
        was = [] if is_new else [[item.revision if item.is_served else 0, item.since]]
        item.history, item.since = [*was, *item.history][:LONGEST_HISTORY], ThisTransaction()
    elif is_new:
        item.since = 0
    item.name, item.revision, item.text, item.fault = now.name, now.revision, now.text, now.fault
    item.is_served, item.tags, item.depends, item.rules = now.is_served, now.tags, now.depends, rules()
    item.built_at = Now()
    item.save(force_insert=is_new)


def renumber() -> None:
    """After a restore into another PostgreSQL, transactions have other numbers: begin anew where they lie ahead."""
    with scope.opened(scope.EVERYTHING):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint")
            (following,) = cursor.fetchone()
        ahead = [model.objects.filter(since__gt=following).order_by() for model in (FeedItem, Serving)]
        organisations = {id for rows in ahead for id in rows.values_list("organisation_id", flat=True).distinct()}
    for organisation_id in organisations:
        with scope.opened(scope.of(organisation_id)):
            FeedItem.objects.filter(since__gt=following).update(since=ThisTransaction(), history=[])
            Serving.objects.filter(since__gt=following).update(since=ThisTransaction())
            outbox.add(RELOAD)
    with scope.opened(scope.INSTALLATION):
        Lane.objects.filter(ended__gt=following).update(ended=0)


def look_again() -> int:
    """Have everything built anew that other rules looked at; return how many organisations it is of."""
    with scope.opened(scope.EVERYTHING):
        old = FeedItem.objects.filter(revision__gt=0).exclude(rules=rules()).order_by()  # 0 is what has been deleted
        organisations = list(old.values_list("organisation_id", flat=True).distinct())
    for organisation_id in organisations:
        with scope.opened(scope.of(organisation_id)):
            outbox.add_feed()
    return len(organisations)

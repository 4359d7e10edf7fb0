"""For what a rule is true now, from the organisation's own rows, in its open scope."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Count, Q
from django.db.models.aggregates import Aggregate
from django.db.models.fields import FloatField

from analytics import naming, queries, quotas
from analytics.alerts.kinds import OF_REQUESTS, Counts, Finding, Kind, is_true, number, value_of
from analytics.alerts.models import AlertRule
from analytics.histogram import quantiles
from analytics.models import Facet, Record
from analytics.queries import Numbers, Of
from analytics.quotas import Counters
from analytics.spans import Span, floor
from apis.models import Api
from gateways import sight
from keys.models import Key
from keys.states import USABLE

# Of one rule at once: what else it is true for is found when some of these are over.
MOST_FINDINGS = 200
UTC_ZONE = ZoneInfo("UTC")


class CannotTell(Exception):
    """Why a rule can be judged neither true nor false, as a sentence."""


def findings(rule: AlertRule, *, now: datetime, counters: Counters) -> list[Finding]:
    """Return what the rule is true for. Raises CannotTell."""
    if rule.kind == Kind.QUOTA:
        try:
            return nearly_used_up(rule, now, counters)
        except quotas.NotCounted as error:
            raise CannotTell(str(error)) from None
    if rule.kind == Kind.EXPIRY:
        return expiring(rule, now)
    if rule.kind == Kind.NODE:
        return silent_nodes(rule, now)
    return of_requests(rule, now)


def of_requests(rule: AlertRule, now: datetime) -> list[Finding]:
    counts = counts_of(rule, now)
    if counts is None or not is_true(rule.kind, counts, threshold=rule.threshold, least_requests=rule.least_requests):
        return []
    return [Finding("", subject_of(rule), value_of(rule.kind, counts))]


def counts_of(rule: AlertRule, now: datetime) -> Counts | None:
    """Return what is counted of the last whole minutes; None where the rule's API or key is gone.

    Minutes are summed for all requests and for each API. Keys are summed by the hour: theirs are counted one by one.
    """
    end = floor(now, "minute")
    start = end - timedelta(minutes=rule.window_min)
    keys, of = keys_of(rule), of_rule(rule)
    if keys is None or of is None:
        return None
    if keys:
        return _of_records(rule, keys, start, end)
    span = Span(start, end, end, UTC_ZONE, "minute")
    return counted(rule, [numbers for numbers in queries.series(of, span) if numbers])


def of_rule(rule: AlertRule) -> Of | None:
    """Return which roll-ups are of the rule's API, or all of them; None where it is gone."""
    if not rule.api:
        return queries.EVERYTHING
    api_id = Api.objects.filter(pk=rule.api).values_list("api_id", flat=True).first()
    return queries.of_api(naming.number(Facet.API.value, api_id)) if api_id else None


def keys_of(rule: AlertRule) -> list[int] | None:
    """Return the numbers of the rule's key and of its previous secret: none for all keys, None where it is gone."""
    if not rule.key:
        return []
    hashes = Key.objects.filter(pk=rule.key).values_list("hash", "previous_hash").first()
    return [naming.number(Facet.KEY.value, hash) for hash in hashes if hash] if hashes else None


def counted(rule: AlertRule, numbers: Sequence[Numbers]) -> Counts:
    errors = sum(one.server_errors if rule.only_server else one.errors for one in numbers)
    [latency] = quantiles(sum(one.latencies for one in numbers), [rule.percentile / 100])
    return Counts(sum(one.hits for one in numbers), errors, latency)


class Percentile(Aggregate):
    template = "percentile_disc(%(share)s) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = FloatField()


def _of_records(rule: AlertRule, keys: list[int], start: datetime, end: datetime) -> Counts:
    records = Record.objects.filter(key__in=keys, at__gte=start, at__lt=end)
    if rule.api:
        api_id = Api.objects.values_list("api_id", flat=True).get(pk=rule.api)
        records = records.filter(api=naming.number(Facet.API.value, api_id))
    found = records.aggregate(
        hits=Count("*"),
        errors=Count("status", filter=Q(status__gte=500 if rule.only_server else 400)),
        slow=Percentile("latency", share=rule.percentile / 100),
    )
    return Counts(found["hits"], found["errors"], found["slow"])


def subject_of(rule: AlertRule) -> str:
    """Return whom a rule is about, in words."""
    return subjects_of([rule])[0]


def subjects_of(rules: Sequence[AlertRule]) -> list[str]:
    """Return whom each rule is about, in two queries."""
    apis = dict(Api.objects.filter(pk__in={rule.api for rule in rules}).order_by().values_list("id", "name"))
    keys = dict(Key.objects.filter(pk__in={rule.key for rule in rules}).order_by().values_list("id", "alias"))
    return [_subject(rule, _named("API", rule.api, apis), _named("key", rule.key, keys)) for rule in rules]


def _named(word: str, id: str, names: Mapping[str, str]) -> str:
    if not id:
        return ""
    return f"{word} {names[id]}" if id in names else f"a deleted {word}"


def _subject(rule: AlertRule, api: str, key: str) -> str:
    if rule.kind == Kind.NODE:
        return "each gateway node"
    if rule.kind in OF_REQUESTS:
        return ", ".join(part for part in (api, key) if part) or "all requests"
    return key or "each key"


def nearly_used_up(rule: AlertRule, now: datetime, counters: Counters) -> list[Finding]:
    found = [
        Finding(one.key.id, f"key {one.key.alias} ({one.count:,} of {number(one.key.quota)})", one.share)
        for one in quotas.used_up(least=rule.threshold, key=rule.key, now=now, counters=counters)
    ]
    # Of more, always the same: one that is left out in one minute would be taken for over.
    return sorted(found, key=lambda finding: finding.subject)[:MOST_FINDINGS]


def expiring(rule: AlertRule, now: datetime) -> list[Finding]:
    keys = Key.objects.filter(USABLE, expires_at__gt=now, expires_at__lte=now + timedelta(days=rule.threshold))
    if rule.key:
        keys = keys.filter(pk=rule.key)
    rows = keys.order_by("expires_at", "id").values_list("id", "alias", "expires_at")[:MOST_FINDINGS]
    return [
        Finding(id, f"key {alias} (expires {expires_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC)", _days(expires_at - now))
        for id, alias, expires_at in rows
        if expires_at is not None
    ]


def _days(left: timedelta) -> float:
    return round(left.total_seconds() / 86_400, 1)


def silent_nodes(rule: AlertRule, now: datetime) -> list[Finding]:
    """A node that has signed off is not among them: gateways do that when they are stopped."""
    silent = [(node, now - node.seen_at) for node in sight.look().nodes]
    return [
        Finding(node.id, f"node {node.name} of {node.group}", float(since.total_seconds() // 60))
        for node, since in silent
        if since >= timedelta(minutes=rule.threshold)
    ][:MOST_FINDINGS]


def ending_of(rule: AlertRule, subject: str, now: datetime) -> str:
    """Say why something is over, where that is not plain."""
    if rule.kind == Kind.NODE:
        if sight.find_node(subject) is None:
            return "It has signed off, has been silent for a day, or serves this organisation no more."
        return "It is heard of again."
    if rule.kind in (Kind.QUOTA, Kind.EXPIRY):
        return _ending_of_key(rule.kind, Key.objects.filter(pk=subject).first(), now)
    return ""


def _ending_of_key(kind: str, key: Key | None, now: datetime) -> str:
    if key is None or key.revoked_at:
        return "The key is revoked or deleted."
    if key.expires_at and key.expires_at <= now:
        return "The key has expired."
    if key.is_disabled:
        return "The key is disabled."
    return "A new window has begun, or the quota is larger." if kind == Kind.QUOTA else "The key lasts longer now."

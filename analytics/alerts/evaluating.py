"""Once a minute each rule is looked at: what it begins to be true for fires, what is false for a while is over.

An organisation at a time, in its own scope. Of several pumps one looks at a rule: who holds the lock of its row, once
in each minute; who changes or silences the rule waits for that lock, and is waited for.
"""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from django.db import OperationalError, connection, transaction
from django.db.models import Q
from django.utils import timezone

from analytics.alerts import measuring, telling
from analytics.alerts.kinds import CALM_MIN, Finding, worst
from analytics.alerts.measuring import CannotTell
from analytics.alerts.models import AlertDelivery, AlertFiring, AlertRule
from analytics.quotas import Counters
from analytics.spans import floor
from orgs import scope

log = logging.getLogger(__name__)
CALM = timedelta(minutes=CALM_MIN)
OUR_FAULT = "Something went wrong here: whoever runs this installation finds it in the log of the pump."
DELIVERIES_KEPT = timedelta(days=30)
FIRINGS_KEPT = timedelta(days=365)


def look_at_all(*, now: datetime) -> int:
    """Look at the rules that nobody has looked at in this minute; return how many. What fails stops no others."""
    counters, done = Counters(), 0
    for organisation_id in organisations_due(now):
        try:
            with scope.opened(scope.of(organisation_id), savepoint=True):
                done += look_at_organisation(now=now, counters=counters)
        except Exception as error:  # what is wrong with one organisation must not keep the others waiting
            if has_lost_database(error):
                raise
            log.exception("The alerts of the organisation %s could not be looked at.", organisation_id)
    return done


def has_lost_database(error: Exception) -> bool:
    """Tell a database that is away from one that gave up on a statement."""
    return isinstance(error, OperationalError) and not connection.is_usable()


def is_due(now: datetime) -> Q:
    return Q(is_enabled=True) & (Q(checked_at=None) | Q(checked_at__lt=floor(now, "minute")))


def organisations_due(now: datetime) -> list[str]:
    """A suspended organisation is told nothing: gateways serve nothing of it."""
    with scope.opened(scope.EVERYTHING):
        rules = AlertRule.objects.filter(is_due(now), organisation__is_suspended=False).order_by()
        return sorted(rules.values_list("organisation_id", flat=True).distinct())


def look_at_organisation(*, now: datetime, counters: Counters) -> int:
    tidy(now)
    rules = list(AlertRule.objects.select_for_update(skip_locked=True).filter(is_due(now)).order_by("id"))
    for rule in rules:
        look_at_one(rule, now=now, counters=counters)
    return len(rules)


def look_at_one(rule: AlertRule, *, now: datetime, counters: Counters) -> None:
    """What is wrong with one rule must not keep the others of its organisation waiting either."""
    try:
        with transaction.atomic():
            look_at(rule, now=now, counters=counters)
    except Exception as error:
        if has_lost_database(error):
            raise
        log.exception("The alert %s could not be looked at.", rule.pk)
        AlertRule.objects.filter(pk=rule.pk).update(checked_at=now, fault=OUR_FAULT)


def look_at(rule: AlertRule, *, now: datetime, counters: Counters) -> None:
    """A rule that cannot be judged stays as it is, and says why."""
    try:
        found, fault = measuring.findings(rule, now=now, counters=counters), ""
    except CannotTell as error:
        found, fault = None, str(error)
    if found is not None:
        open_now = {firing.subject: firing for firing in AlertFiring.objects.filter(rule=rule, ended_at=None)}
        begin(rule, [finding for finding in found if finding.subject not in open_now], now)
        go_on(rule, open_now, {finding.subject: finding for finding in found}, now)
        tell_what_was_not(rule, now)
    AlertRule.objects.filter(pk=rule.pk).update(checked_at=now, fault=fault)


def begin(rule: AlertRule, found: Sequence[Finding], now: datetime) -> None:
    AlertFiring.objects.bulk_create(
        AlertFiring(
            rule=rule, subject=finding.subject, concerns=telling.line(finding.concerns, 400), value=finding.value,
            begun_at=now,
        )
        for finding in found
    )  # fmt: skip


def go_on(rule: AlertRule, open_now: Mapping[str, AlertFiring], found: Mapping[str, Finding], now: datetime) -> None:
    over = []
    for subject, firing in open_now.items():
        if subject in found:
            value = worst(rule.kind, firing.value, found[subject].value)
            if firing.calm_since or value != firing.value:
                AlertFiring.objects.filter(pk=firing.pk).update(calm_since=None, value=value)
        elif firing.calm_since is None:
            AlertFiring.objects.filter(pk=firing.pk).update(calm_since=now)
        elif now - firing.calm_since >= CALM:
            over.append(firing)
    end(rule, over, {firing.subject: measuring.ending_of(rule, firing.subject, now) for firing in over}, now)


def end(rule: AlertRule, over: Sequence[AlertFiring], endings: Mapping[str, str], now: datetime) -> None:
    """Write down that these are over. Who was told that they began is told, whether or not the rule is silenced."""
    for firing in over:
        firing.ended_at, firing.ending = now, endings[firing.subject]
    AlertFiring.objects.bulk_update(over, ["ended_at", "ending"])
    if told := [firing for firing in over if firing.told_at]:
        telling.tell(rule, AlertDelivery.OVER, told)


def tell_what_was_not(rule: AlertRule, now: datetime) -> None:
    """Tell what fires, together; what began while the rule was silenced when that has ended, if it lasts till then."""
    if rule.silent_until and rule.silent_until > now:
        return
    untold = AlertFiring.objects.filter(rule=rule, ended_at=None, told_at=None, calm_since=None)
    if firings := list(untold.order_by("begun_at", "id")):
        AlertFiring.objects.filter(pk__in=[firing.pk for firing in firings]).update(told_at=now)
        telling.tell(rule, AlertDelivery.BEGUN, firings)


def tidy(now: datetime) -> None:
    AlertDelivery.objects.filter(created_at__lt=now - DELIVERIES_KEPT).delete()
    AlertFiring.objects.filter(begun_at__lt=now - FIRINGS_KEPT, ended_at__isnull=False).delete()


def end_all(rule: AlertRule, ending: str) -> None:
    """End what fires since the rule is off, or watches something else from now on."""
    firings = list(AlertFiring.objects.filter(rule=rule, ended_at=None))
    end(rule, firings, {firing.subject: ending for firing in firings}, timezone.now())

"""Requests that gateways served, one by one and counted: by minute, hour, day and month.

All of it is written in the scope INTAKE, by raw SQL (`analytics.ingest`, `analytics.closing`), and read in an
organisation's scope. `Record`, `Minute` and `Hour` are partitioned by day of UTC: `orgs.definers` has the function that
makes partitions ahead and drops them in time.
"""

from typing import Any, ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from analytics.alerts.models import AlertDelivery, AlertFiring, AlertRule  # noqa: F401 - so that Django finds them
from analytics.ingest.positions import Position as Position
from orgs import scope
from orgs.models import OfInstallation, Organisation, OrgOwned


class Facet(models.IntegerChoices):
    """What a row of a roll-up counts the requests of; in brackets what `parent` and `value` are.

    Both are numbers of names (`Name`), and 0 where there is none.
    """

    TOTAL = 0, "all"  # (0, 0)
    API = 1, "API"  # (0, API)
    VERSION = 2, "version"  # (API, version), for APIs with versions
    KEY = 3, "key"  # (API, key)
    ENDPOINT = 4, "path"  # (API, method and path there)
    COUNTRY = 5, "country"  # (0, country)
    CLIENT = 6, "OAuth client"  # (0, client)
    TAG = 7, "tag"  # (0, tag)


class HistogramField(models.BigIntegerField):  # type: ignore[type-arg]
    """Counts side by side in one long number, so that PostgreSQL adds histograms with `+` (`analytics.histogram`)."""

    def db_type(self, connection: Any) -> str:
        return "numeric"


class Counted(OrgOwned):
    """Of an organisation, without PostgreSQL's asking for each row whether there is one: that took half of the time."""

    keyless: ClassVar = "the intake looks for all organisations of a batch at once"

    organisation = models.ForeignKey(
        Organisation,
        models.CASCADE,
        related_name="+",
        default=scope.current_organisation_id,
        editable=False,
        db_index=False,
        db_constraint=False,
    )

    class Meta:
        abstract = True
        base_manager_name = "objects"


class Record(Counted):
    """One request. `latency` and `upstream` are milliseconds, `size` the bytes of the answer's body.

    `request` and `response` are there only where the API asks gateways for detailed recording.
    """

    web_may: ClassVar = ("SELECT", "DELETE")
    intake_may: ClassVar = ("INSERT",)
    kept_days: ClassVar = settings.RECORD_DAYS

    pk = models.CompositePrimaryKey("organisation_id", "at", "id")
    id = models.BigIntegerField()
    at = models.DateTimeField()
    api = models.BigIntegerField()
    version = models.BigIntegerField()
    key = models.BigIntegerField()
    client = models.BigIntegerField()
    endpoint = models.BigIntegerField()
    method = models.TextField()
    host = models.TextField()
    path = models.TextField()
    status = models.SmallIntegerField()
    latency = models.IntegerField()
    upstream = models.IntegerField()
    size = models.BigIntegerField()
    address = models.TextField()
    country = models.TextField()
    agent = models.TextField()
    tags = ArrayField(models.TextField())
    request = models.TextField()
    response = models.TextField()

    class Meta:
        base_manager_name = "objects"
        indexes = (
            models.Index(fields=["organisation", "key", "at"], name="analytics_record_key"),
            models.Index(
                fields=["organisation", "at"], name="analytics_record_errors", condition=models.Q(status__gte=400)
            ),
        )

    def __str__(self) -> str:
        return f"{self.method} {self.path}: {self.status}"


class Rollup(Counted):
    """The requests of one facet in one bucket of time, which begins `at`.

    `latency`, `upstream` and `size` are sums; `latencies` and `codes` are histograms (`analytics.histogram`).
    """

    web_may: ClassVar = ("SELECT",)
    intake_may: ClassVar = ("SELECT", "INSERT", "UPDATE", "DELETE")
    page_fill_percent: ClassVar = 60

    pk = models.CompositePrimaryKey("organisation_id", "facet", "parent", "at", "value")
    at = models.DateTimeField()
    facet = models.SmallIntegerField(choices=Facet.choices)
    parent = models.BigIntegerField()
    value = models.BigIntegerField()
    hits = models.BigIntegerField()
    client_errors = models.BigIntegerField()
    server_errors = models.BigIntegerField()
    latency = models.BigIntegerField()
    upstream = models.BigIntegerField()
    size = models.BigIntegerField()
    slowest = models.IntegerField()
    latencies = HistogramField()
    codes = HistogramField()
    last_at = models.DateTimeField()

    class Meta:
        abstract = True
        base_manager_name = "objects"

    def __str__(self) -> str:
        return f"{self.hits} requests of {self.at}"


def indexes_of(level: str) -> tuple[models.Index, ...]:
    """For one value over time, and for a time with all its values; the primary key is for those of one parent."""
    return (
        models.Index(fields=["organisation", "value", "at"], name=f"analytics_{level}_value"),
        models.Index(fields=["organisation", "facet", "at"], name=f"analytics_{level}_time"),
    )


class Minute(Rollup):
    """Of TOTAL and API alone, for the last hours."""

    kept_days: ClassVar = 3

    class Meta(Rollup.Meta):
        pass


class Hour(Rollup):
    """Kept long enough that 30 days and the 30 before them can begin at midnight of any time zone."""

    kept_days: ClassVar = 70

    class Meta(Rollup.Meta):
        indexes = indexes_of("hour")


class Day(Rollup):
    """Days of UTC, summed when they have ended (`analytics.closing`), and corrected where records come later."""

    class Meta(Rollup.Meta):
        indexes = indexes_of("day")


class Month(Rollup):
    class Meta(Rollup.Meta):
        indexes = indexes_of("month")


class Leaders(Counted):
    """The values with the most hits (or errors) under a parent, in a bucket that has ended, where it has many.

    They make lists fast and never decide what is in them (`analytics.leading`): without a row, all values are summed.
    `parent` is ALL_PARENTS where the values of all of them are summed. `numbers` go with `values`, falling; what is
    not among `values` has at most the last of them.
    """

    web_may: ClassVar = ("SELECT",)
    intake_may: ClassVar = ("SELECT", "INSERT", "DELETE")
    ALL_PARENTS: ClassVar = -1
    BY_HITS, BY_ERRORS = 0, 1

    pk = models.CompositePrimaryKey("organisation_id", "facet", "parent", "by", "level", "at")
    facet = models.SmallIntegerField(choices=Facet.choices)
    parent = models.BigIntegerField()
    by = models.SmallIntegerField()
    level = models.CharField(max_length=5)
    at = models.DateTimeField()
    values = ArrayField(models.BigIntegerField())
    numbers = ArrayField(models.BigIntegerField())

    class Meta:
        base_manager_name = "objects"
        verbose_name_plural = "leaders"

    def __str__(self) -> str:
        return f"{len(self.values)} leaders of {self.at}"


class Name(Counted):
    """What a number in records and roll-ups stands for. The number is a digest of `kind` and `text` (`naming.number`).

    `label` is what a gateway called it last: the API's name, or the key's alias.
    """

    web_may: ClassVar = ("SELECT",)
    intake_may: ClassVar = ("SELECT", "INSERT", "UPDATE")

    pk = models.CompositePrimaryKey("organisation_id", "id")
    id = models.BigIntegerField()
    kind = models.SmallIntegerField(choices=Facet.choices)
    text = models.TextField()
    label = models.TextField(blank=True)

    class Meta:
        base_manager_name = "objects"

    def __str__(self) -> str:
        return self.label or self.text


class DeadLetter(OfInstallation):
    """Records that were not taken in, why, and one of them, without what it recorded of request and response.

    `claimed` is the organisation that they say they are of, whether or not there is one.
    """

    intake_may: ClassVar = ("INSERT",)

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(db_default=Now())
    group_id = models.CharField(max_length=24)
    reason = models.CharField(max_length=200)
    claimed = models.CharField(max_length=60, blank=True)
    count = models.PositiveIntegerField()
    example = models.TextField(blank=True)

    class Meta:
        base_manager_name = "objects"
        indexes = (models.Index(fields=["-at", "-id"], name="analytics_dead_letters"),)

    def __str__(self) -> str:
        return self.reason


class Batch(OfInstallation):
    """A part of a list of records that was taken out of a group's Redis and is still to be written.

    The row goes in the transaction that writes the part, so that each is written once. `last` is empty before the
    list is taken, when nobody knows how long it is.
    """

    intake_may: ClassVar = ("SELECT", "INSERT", "UPDATE", "DELETE")

    id = models.BigAutoField(primary_key=True)
    group_id = models.CharField(max_length=24)
    list = models.CharField(max_length=100)
    first = models.PositiveBigIntegerField(default=0)
    last = models.PositiveBigIntegerField(null=True)

    class Meta:
        base_manager_name = "objects"
        verbose_name_plural = "batches"
        indexes = (models.Index(fields=["group_id", "id"], name="analytics_batches"),)

    def __str__(self) -> str:
        return f"{self.list} {self.first}"


class Closed(OfInstallation):
    """Up to when a level's buckets have ended and are summed; `late` are those that records came to afterwards."""

    intake_may: ClassVar = ("SELECT", "INSERT", "UPDATE")

    level = models.CharField(primary_key=True, max_length=5)
    until = models.DateTimeField()
    late = ArrayField(models.DateTimeField(), default=list)

    class Meta:
        base_manager_name = "objects"
        verbose_name_plural = "closed"

    def __str__(self) -> str:
        return f"{self.level} until {self.until}"

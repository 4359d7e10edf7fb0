"""`/metrics`: how the installation is, for Prometheus. Off without METRICS_TOKEN.

Whoever has the token learns how many organisations and nodes there are, and how busy an organisation is by its id; no
name, address or key of any. Groups of gateways go by their names: these are the installation's own.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare

from gateways.nodes import SILENT_AFTER
from orgs import scope
from orgs.hot import ask
from orgs.machines import Refusal

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
PREFIX = "commonhold_"


class WrongToken(Exception):
    pass


@dataclass(frozen=True)
class Metric:
    """A gauge. `values` selects its values, after a text for `label` where it has one."""

    name: str
    help: str
    values: str
    label: str = ""


NODES = """SELECT name, (SELECT count(*) FROM gateways_node WHERE group_id = groups.id AND seen_at {} now() - {})
    FROM gateways_gatewaygroup AS groups"""
SILENT = f"interval '{SILENT_AFTER.total_seconds()} seconds'"
LAST_HOUR = """SELECT organisation_id, {} FROM analytics_hour
    WHERE facet = 0 AND at = date_trunc('hour', now(), 'UTC') - interval '1 hour'"""
# In one statement, so that they are of one moment.
METRICS = (
    Metric("organisations", "Organisations.", "SELECT count(*) FROM orgs_organisation"),
    Metric(
        "organisations_suspended",
        "Organisations that are suspended.",
        "SELECT count(*) FROM orgs_organisation WHERE is_suspended",
    ),
    Metric("users", "Users who may sign in.", "SELECT count(*) FROM users_user WHERE is_active"),
    Metric("nodes_live", "Gateways that have been heard of just now.", NODES.format(">", SILENT), "group"),
    Metric("nodes_silent", "Gateways that have not, and have not signed off.", NODES.format("<=", SILENT), "group"),
    Metric("deliveries_waiting", "Changes that gateways are not told yet.", "SELECT count(*) FROM gateways_outbox"),
    Metric(
        "groups_failing",
        "Groups of gateways whose Redis cannot be told of changes.",
        "SELECT count(*) FROM gateways_lane WHERE failing_since IS NOT NULL",
    ),
    Metric(
        "batches_waiting",
        "Parts of lists of records that are taken and not written yet.",
        "SELECT count(*) FROM analytics_batch",
    ),
    Metric(
        "dead_letters_last_day",
        "Records that were not taken in, in the last 24 hours.",
        """SELECT split_part(reason, ':', 1), sum(count) FROM analytics_deadletter
        WHERE at > now() - interval '1 day' GROUP BY 1""",
        "reason",
    ),
    Metric(
        "hours_summed_age_seconds",
        "How long ago the newest hour ended that is summed up.",
        "SELECT extract(epoch FROM now() - until) FROM analytics_closed WHERE level = 'hour'",
    ),
    Metric("requests_last_hour", "Requests in the last whole hour.", LAST_HOUR.format("hits"), "organisation"),
    Metric(
        "errors_last_hour",
        "Requests in the last whole hour that failed.",
        LAST_HOUR.format("client_errors + server_errors"),
        "organisation",
    ),
)  # fmt: skip


def selecting(metric: Metric) -> str:
    """Return the statement for (name, label, value), a row for each value."""
    label, columns = ("label", "label, value") if metric.label else ("''", "value")
    return (
        f"(SELECT '{metric.name}', {label}::text, value::float8"  # noqa: S608 - made of names in this code
        f" FROM ({metric.values}) AS found ({columns}) ORDER BY 2)"
    )


STATEMENT = " UNION ALL ".join(map(selecting, METRICS))


def answer(request: HttpRequest) -> HttpResponse:
    """Answer who has the token. Raises WrongToken for everybody else, and Refusal."""
    if not settings.METRICS_TOKEN:
        raise Refusal(404, "There is nothing at this path.")
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not constant_time_compare(given.strip(), settings.METRICS_TOKEN):
        raise WrongToken
    if request.method not in ("GET", "HEAD"):
        raise Refusal(405, "This path takes GET, HEAD.", headers={"Allow": "GET, HEAD"})
    return HttpResponse("".join(exposition()), content_type=CONTENT_TYPE)


def exposition() -> Iterator[str]:
    with scope.opened(scope.EVERYTHING):
        [rows] = ask((STATEMENT, []))
    for metric in METRICS:
        name = f"{PREFIX}{metric.name}"
        yield f"# HELP {name} {metric.help}\n# TYPE {name} gauge\n"
        for of, label, value in rows:
            if of == metric.name:
                yield f"{name}{labelled(metric.label, label)} {value:.15g}\n"


def labelled(name: str, value: str) -> str:
    if not name:
        return ""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'{{{name}="{escaped}"}}'

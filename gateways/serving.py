"""Which organisations each group serves: what a group says, written out for each of them.

A row of an organisation is written in its scope, with a line in its audit trail. The worker calls this every second, so
that a new organisation is served without anybody's doing.
"""

from django.db import connection

from gateways import outbox
from gateways.models import GatewayGroup, Outbox, Serving
from orgs import audit, scope
from orgs.models import Organisation

# One statement for all groups and organisations, since it is asked all the time, and answered by nothing.
DIFFERENCES = """
SELECT coalesce(wanted.organisation_id, serving.organisation_id), coalesce(wanted.group_id, serving.group_id),
    serving.group_id IS NULL
FROM (
    SELECT organisation.id AS organisation_id, gatewaygroup.id AS group_id
    FROM orgs_organisation AS organisation JOIN gateways_gatewaygroup AS gatewaygroup
        ON gatewaygroup.serves_all OR organisation.id = ANY (gatewaygroup.organisation_ids)
) AS wanted FULL JOIN gateways_serving AS serving USING (organisation_id, group_id)
WHERE wanted.group_id IS NULL OR serving.group_id IS NULL
"""
KIND = "gateway_group"


def write_out() -> int:
    """Have each organisation served by the groups that say so, and by no others; return how many changes."""
    with scope.opened(scope.EVERYTHING):
        names = dict(GatewayGroup.objects.order_by().values_list("id", "name"))
        with connection.cursor() as cursor:
            cursor.execute(DIFFERENCES)
            differences = cursor.fetchall()
    for organisation_id, group_id, is_missing in differences:
        with scope.opened(scope.of(organisation_id)):
            _begin(group_id, names[group_id]) if is_missing else _end(group_id, names.get(group_id, ""))
    return len(differences)


def _begin(group_id: str, name: str) -> None:
    organisation = Organisation.objects.select_for_update().filter(pk=scope.current_organisation_id()).first()
    if organisation is None:
        return
    _, is_new = Serving.objects.get_or_create(
        organisation_id=organisation.pk, group_id=group_id, defaults={"is_off": is_off(organisation)}
    )
    if is_new:
        Outbox.objects.create(group_id=group_id, name=outbox.BEGUN)
        outbox.add_everything(group_id)
        audit.record("assigned", kind=KIND, name=name, changes={"gateway group": [None, name]})


def is_off(organisation: Organisation) -> bool:
    """Whether gateways may serve nothing of it now: it is suspended, or its own key says so."""
    return organisation.is_suspended or (organisation.gateway_session or {}).get("is_inactive") is True


def _end(group_id: str, name: str) -> None:
    Outbox.objects.filter(group_id=group_id).delete()
    deleted, _ = Serving.objects.filter(group_id=group_id).delete()
    if deleted:  # by this worker
        audit.record("withdrew", kind=KIND, name=name, changes={"gateway group": [name or group_id, None]})

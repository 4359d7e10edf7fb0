"""Which APIs stand at a host."""

from django.db.models import Q

from apis.models import Api

MOST_NAMES = 10


def names_at(host: str) -> list[str]:
    """Return the names of the APIs that gateways serve at this host; of many the first."""
    at_host = Api.objects.filter(Q(domain=host) | Q(domain__begins_with=f"{host}:"), is_active=True)
    names = list(at_host.order_by("sort_name", "id").values_list("name", flat=True)[: MOST_NAMES + 1])
    return names if len(names) <= MOST_NAMES else [*names[:MOST_NAMES], "others"]

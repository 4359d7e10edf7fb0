"""What stops when an API is deleted, counted before it happens."""

from typing import Any

from django.db.models import Exists, OuterRef

from apis.models import Api


def of_deleting(api: Api, *, cancel_url: str) -> dict[str, Any]:
    """Return the context of `partials/confirm.html`."""
    return {
        "title": f"Delete {api.name}?",
        "stops": [_serving(api), _named_by(api), *_clients_of(api)],
        "undo": "No. The definition goes with it: download it first if you may want it again.",
        "action_label": "Delete the API",
        "cancel_url": cancel_url,
        "name_to_type": _one_line(api.name),
    }


def is_name_of(api: Api, typed: str) -> bool:
    return _one_line(typed) == _one_line(api.name)


def _one_line(text: str) -> str:
    """As a browser shows it."""
    return " ".join(text.split())


def _serving(api: Api) -> str:
    return f"Gateways answer no more at {api.listen_path}." if api.is_active else "Nothing is served: it is inactive."


def _named_by(api: Api) -> str:
    """Keys reach back to the APIs that they name; the ones that name no other open nothing afterwards."""
    named_by = api.accesses.filter(key__revoked_at=None)
    elsewhere = named_by.model.objects.filter(key=OuterRef("key")).exclude(api=api)
    lost = named_by.filter(~Exists(elsewhere), key__has_all_apis=False).count()
    match named_by.count():
        case 0:
            return "No key names it."
        case 1:
            return "1 key names it" + (", and will open nothing any more." if lost else "; it opens other APIs too.")
        case number:
            return f"{number:,} keys name it; {lost:,} of them will open nothing any more."


def _clients_of(api: Api) -> list[str]:
    clients = api.oauth_clients.count()
    return [f"OAuth clients that are deleted with it: {clients:,}."] if clients else []

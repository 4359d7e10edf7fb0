"""The request as our views see it, and what browsers may do with the answer."""

from ipaddress import ip_address
from typing import TYPE_CHECKING

from django.conf import settings
from django.http import HttpRequest

from orgs.models import Organisation
from orgs.sites import Site

if TYPE_CHECKING:
    from users.models import User


# Of every page: nothing comes from elsewhere, and nothing is said to elsewhere.
CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


class OrgRequest(HttpRequest):
    """A request of a signed-in user on an organisation's site; the middleware has set these."""

    site: Site  # type: ignore[assignment]
    organisation: Organisation
    user: "User"


def address(request: HttpRequest) -> str:
    """Return the visitor's IP address, from the right of X-Forwarded-For past the proxies that we run."""
    if not settings.TRUSTED_PROXIES:
        return str(request.META.get("REMOTE_ADDR", ""))
    hops = [hop.strip() for hop in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")]
    hop = hops[-settings.TRUSTED_PROXIES] if len(hops) >= settings.TRUSTED_PROXIES else ""
    return hop if _is_address(hop) else ""


def _is_address(text: str) -> bool:
    """PostgreSQL takes no zone (`fe80::1%eth0`)."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return "%" not in text

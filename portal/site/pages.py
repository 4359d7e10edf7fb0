"""Pages in Markdown, and the files that make a portal look as it does."""

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from portal.branding import parse_variables, stylesheet
from portal.http import PortalRequest, visitors
from portal.markdown import html
from portal.models import Portal
from portal.site.frame import readable_pages, show

# A logo is shown, never run: not even where somebody opens it by itself.
LOGO_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
KEEP = "public, max-age=86400"


@visitors
@require_safe
def page(request: PortalRequest, slug: str) -> HttpResponse:
    found = get_object_or_404(readable_pages(request), slug=slug)
    return show(request, "portal/page.html", page_title=found.title, body=html(found.body))


@visitors
@require_safe
def theme(request: PortalRequest) -> HttpResponse:
    return theme_of(request.portal)


@visitors
@require_safe
def logo(request: PortalRequest) -> HttpResponse:
    return logo_of(request.portal)


def theme_of(portal: Portal, *, keep: str = KEEP) -> HttpResponse:
    response = HttpResponse(stylesheet(parse_variables(portal.variables)), content_type="text/css")
    response.headers["Cache-Control"] = keep  # its address changes with each revision
    return response


def logo_of(portal: Portal, *, keep: str = KEEP) -> HttpResponse:
    if not portal.logo_type:
        raise Http404
    response = HttpResponse(bytes(portal.logo), content_type=portal.logo_type)
    response.headers["Content-Security-Policy"], response.headers["Cache-Control"] = LOGO_POLICY, keep
    return response

"""The catalogue, and the page of one of its entries with its documentation."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from portal import catalogue, documents, entry_page
from portal.http import PortalRequest, visitors
from portal.models import Entry
from portal.site import cards
from portal.site.frame import show

PAGE = 30
LONGEST = 100


@visitors
@require_safe
def index(request: PortalRequest) -> HttpResponse:
    words = request.GET.get("q", "").replace("\0", "").strip()[:LONGEST]
    category = request.GET.get("category", "").replace("\0", "")[:LONGEST]
    number = _page_number(request)
    found = catalogue.find(request.developer, words=words, category=category, first=(number - 1) * PAGE, most=PAGE)
    return show(
        request,
        "portal/catalogue.html",
        cards=cards.markup(found.cards, root=reverse("portal:home")),
        query=words,
        category=category,
        categories=_filters(found, words, category),
        pager=_pager(found.total, number, {"q": words, "category": category}),
        is_filtered=bool(words or category),
    )


def _filters(found: catalogue.Found, words: str, chosen: str) -> list[tuple[str, str, bool, int]]:
    """Links to each category, the first of them to all."""
    kept = {"q": words} if words else {}
    here = "?" + urlencode(kept) if kept else "./"
    links = [("All", here, not chosen, 0)]
    return links + [
        (name, "?" + urlencode(kept | {"category": name}), name == chosen, number)
        for name, number in found.categories.items()
    ]


def _page_number(request: HttpRequest) -> int:
    text = request.GET.get("page", "1")
    return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) < 6 else 1


def _pager(total: int, number: int, kept: dict[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in kept.items() if value}

    def link(page: int) -> str:
        return "?" + urlencode(kept | {"page": str(page)}) if 1 <= page <= -(-total // PAGE) else ""

    first, last = (number - 1) * PAGE + 1, min(number * PAGE, total)
    text = f"{first:,} to {last:,} of {total:,}" if total > PAGE else ""
    return {"text": text, "previous_url": link(number - 1), "next_url": link(number + 1)}


def find_entry(request: PortalRequest, slug: str) -> Entry:
    """404 for what this visitor may not see, as for what never was."""
    return get_object_or_404(catalogue.with_api(catalogue.visible(request.developer)), slug=slug)


@visitors
@require_safe
def entry(request: PortalRequest, slug: str) -> HttpResponse:
    found = find_entry(request, slug)
    root = reverse("portal:home")
    context = entry_page.context(found, request.portal, developer=request.developer, root=root)
    return show(request, "portal/api.html", **context)


@visitors
@require_safe
def console(request: PortalRequest, slug: str) -> HttpResponse:
    """The viewer, which calls the gateway: its address is the one place more that this page may connect to."""
    found = find_entry(request, slug)
    if not documents.has_document(found):
        return _has_no_document(request, found)
    call = documents.call_of(found, request.portal)
    response = show(
        request,
        "portal/console.html",
        page_title=f"Try out {found.title}",
        title=found.title,
        entry_url=reverse("portal:entry", args=[slug]),
        document_url=reverse("portal:document", args=[slug]),
        address=call.address,
    )
    response.headers["Content-Security-Policy"] = documents.policy_of(call)
    return response


@visitors
@require_safe
def document(request: PortalRequest, slug: str) -> HttpResponse:
    """The OpenAPI document as developers may have it: it names the gateway, never what lies behind it."""
    found = find_entry(request, slug)
    text = documents.for_viewer(found, documents.call_of(found, request.portal))
    if text is None:
        return _has_no_document(request, found)
    response = HttpResponse(text, content_type="application/json")
    if "download" in request.GET:
        response.headers["Content-Disposition"] = f'attachment; filename="{found.slug}.json"'
    return response


def _has_no_document(request: PortalRequest, found: Entry) -> HttpResponse:
    return show(request, "portal/told.html", status=404, page_title=found.title, text="It has no documentation.")

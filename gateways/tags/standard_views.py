"""The tagging standard: what it is, what does not follow it, and what would not follow another one."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from apis.tagging import Standard, how_many, in_words
from gateways.tags import services
from gateways.tags.forms import StandardForm, initial_of
from gateways.tags.report import HEADER, csv_rows, report
from gateways.tags.services import TagRefused
from orgs.export import csv_response
from orgs.http import OrgRequest
from orgs.permissions import signed_in


@signed_in
@require_safe
def standard(request: OrgRequest) -> HttpResponse:
    """What is saved, and the APIs that do not follow it."""
    saved = services.current_standard()
    context: dict[str, Any] = {"standard": saved, "words": in_words(saved.rules), "number": how_many(saved.rules)}
    return render(request, "tags/standard.html", context | _report(request, saved.rules))


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def change(request: OrgRequest) -> HttpResponse:
    """Asked for by GET it shows what would break, as often as one likes; only a POST saves it."""
    saved = services.current_standard()
    sent = request.POST or (request.GET if "preview" in request.GET else None)
    form = StandardForm(sent, initial=initial_of(saved.rules, is_enforced=saved.is_enforced))
    context: dict[str, Any] = {"form": form}
    if form.is_valid():
        try:
            typed = services.checked_standard(form.standard())
            if request.method == "POST":
                services.set_standard(standard=typed, is_enforced=form.cleaned_data["is_enforced"])
                messages.success(request, "The tagging standard is saved.")
                return redirect("tags:standard")
            context |= {"words": in_words(typed), "previewed": True} | _report(request, typed)
        except TagRefused as refused:
            form.add_error(None, str(refused))
    return render(request, "tags/standard_form.html", context)


@signed_in
@require_safe
def export(request: OrgRequest) -> HttpResponse:
    return csv_response("tagging-standard.csv", HEADER, csv_rows(services.current_standard().rules))


def _report(request: OrgRequest, rules: Standard) -> dict[str, Any]:
    found = report(rules, query=request.GET, prefix=request.site.prefix)
    pager = {
        "text": f"{len(found.page.rows)} of {found.page.total}",
        "first_url": found.page.first,
        "previous_url": found.page.previous,
        "next_url": found.page.next,
    }
    return {"report": found, "pager": pager}

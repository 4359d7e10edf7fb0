"""Below `/all/`: analytics of every organisation, and what of gateways' records was refused."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from analytics.everywhere import pages
from analytics.pages.frame import answer
from orgs.http import OrgRequest
from orgs.permissions import signed_in


@signed_in
@require_safe
def index(request: OrgRequest) -> HttpResponse:
    return answer(request, "analytics/page.html", *pages.page(request))


@signed_in
@require_safe
def dead_letters(request: OrgRequest) -> HttpResponse:
    return render(request, "analytics/dead_letters.html", pages.dead_letters(request))

"""Editing the document of an API that is one."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from apis import pages, services
from apis.conflicts import conflict, differences
from apis.forms import DocumentForm, retype
from apis.services import ChangedMeanwhile
from apis.views.changing import saved_answer
from orgs.http import OrgRequest
from orgs.permissions import Level, ObjectKind, require


@require(ObjectKind.APIS, Level.WRITE)
@require_http_methods(["GET", "HEAD", "POST"])
def edit_openapi(request: OrgRequest, id: str) -> HttpResponse:
    api = pages.find_api(id)
    if not api.is_oas:
        return redirect("apis:edit", id=api.pk)
    form = DocumentForm(request.POST or None, api=api)
    context: dict[str, Any] = {"form": form, "api": api}
    if form.is_valid():
        typed = form.cleaned_data["document"]
        try:
            saved = services.update_oas_api(api=api, document=typed, revision=form.cleaned_data["revision"])
        except services.REFUSALS as error:
            form.add_error("document", str(error))
        except ChangedMeanwhile as error:
            theirs = pages.document(error.saved)
            retype(form, revision=error.saved.revision)
            fields = differences(theirs, typed)
            context |= {
                "conflict": conflict(error, fields=fields, reload_url=request.path),
                "theirs": pages.pretty_document(error.saved),
            }
        else:
            return saved_answer(request, saved, "saved")
    return render(request, "apis/edit_openapi.html", context)

"""Importing documents: files, or one that is pasted."""

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from apis import services
from apis.import_forms import ImportForm
from apis.models import Api
from apis.openapi import NO_SERVER
from orgs.http import OrgRequest
from orgs.permissions import Level, ObjectKind, require


@require(ObjectKind.APIS, Level.WRITE)
@require_http_methods(["GET", "HEAD", "POST"])
def import_documents(request: OrgRequest) -> HttpResponse:
    form = ImportForm(request.POST, request.FILES) if request.method == "POST" else ImportForm()
    imported = _import_all(form) if form.is_valid() else []
    if len(imported) == 1 and not form.errors:
        return _one(request, imported[0])
    rows = [
        (
            f"{request.site.prefix}/apis/{api.pk}/",
            api.name,
            api.listen_path,
            "active" if api.is_active else "inactive",
            _warning(api),
        )
        for api in imported
    ]
    return render(request, "apis/import.html", {"form": form, "rows": rows})


def _import_all(form: ImportForm) -> list[Api]:
    """Import what can be; each refusal becomes an error of the form."""
    chosen = {name: form.cleaned_data[name] or None for name in ("target_url", "listen_path")}
    imported = []
    refused: set[str] = set()
    for field, name, content in form.documents():
        try:
            with transaction.atomic():
                imported.append(services.import_text(content, tags=form.cleaned_data["tags"], **chosen))
        except services.REFUSALS as error:
            refused.add(field)
            form.add_error(field, f"{name}: {error}" if name else str(error))
    if "text" not in refused:
        form.forget_text()
    return imported


def _one(request: OrgRequest, api: Api) -> HttpResponse:
    messages.success(request, f"{api.name} is imported.")
    if warning := _warning(api):
        messages.warning(request, warning)
    return redirect("apis:detail", id=api.pk)


def _warning(api: Api) -> str:
    return "" if services.has_target(api) else NO_SERVER

"""The forms of API pages: the few fields that most people need, the raw definition, and the import."""

from collections.abc import Callable, Sequence
from typing import Any, cast

from django import forms
from django.http import QueryDict
from django.utils.html import format_html

from apis import definition as definitions
from apis import services, tags
from apis.definition import Authentication, Basics, DefinitionError
from apis.jsontext import Problem, shorten
from apis.models import Api
from apis.pages import pretty, pretty_document
from apis.rules import MAX_LISTEN_PATH, MAX_NAME, RawDefinition, listen_path_fault
from orgs.addresses import MAX_TARGET, target_fault

FIELD_OF = {"name": "name", "proxy.listen_path": "listen_path", "proxy.target_url": "target_url"}
MOST_PROBLEMS = 20
HIGHEST_RATE = 1_000_000_000


class ApiForm(forms.Form):
    """What is edited of a definition without knowing its format; `current` is the edited one, if any."""

    name = forms.CharField(max_length=MAX_NAME)
    listen_path = forms.CharField(
        required=False,
        max_length=MAX_LISTEN_PATH,
        help_text="Where gateways answer. Left empty, it follows from the name.",
    )
    target_url = forms.CharField(
        max_length=MAX_TARGET,
        label="Target",
        help_text="Where gateways send the calls, with what follows the listen path.",
    )
    authentication = forms.ChoiceField(help_text="What a caller must show.")
    rate = forms.FloatField(
        required=False,
        min_value=0,
        max_value=HIGHEST_RATE,
        label="Requests at most",
        help_text="Over all keys together. Empty or 0 is no limit.",
    )
    per = forms.FloatField(required=False, min_value=0, max_value=HIGHEST_RATE, label="In how many seconds")
    tags = forms.CharField(required=False, max_length=2000, help_text="Separated by commas.")
    active = forms.BooleanField(required=False, help_text="Gateways serve only active APIs.")
    revision = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, slug: str, current: RawDefinition | None = None, revision: int = 0) -> None:
        self.slug, self.current = slug, definitions.basics_of(current) if current else None
        super().__init__(data, initial=_initial(self.current) | {"revision": revision})
        self.fields["tags"].help_text = tags_help()
        several = self.initial["authentication"] == Authentication.MULTIPLE
        kinds = [kind for kind in Authentication if several or kind is not Authentication.MULTIPLE]
        cast(forms.ChoiceField, self.fields["authentication"]).choices = [(kind.value, kind.label) for kind in kinds]
        self.fields["listen_path"].widget.attrs |= {"placeholder": f"/{slug}/…/", "spellcheck": "false"}
        self.fields["target_url"].widget.attrs |= {
            "placeholder": "https://api.example.com/v1",
            "spellcheck": "false",
        }

    def clean_listen_path(self) -> str:
        return unless_faulty(self.cleaned_data["listen_path"], listen_path_fault)

    def clean_target_url(self) -> str:
        """What is edited may have another protocol than HTTP: then the service knows."""
        target: str = self.cleaned_data["target_url"]
        return unless_faulty(target, target_fault) if self.current is None else target

    def clean(self) -> None:
        if self.cleaned_data.get("rate") and not self.cleaned_data.get("per") and "per" not in self.errors:
            self.add_error("per", "Say in how many seconds that many requests are allowed.")

    def basics(self) -> Basics:
        """Return what was typed, and of an edited definition what was not touched exactly as it was."""
        typed = self._typed()
        if self.current is None:
            return typed
        touched = {name: value for name, value in typed.items() if name in self.changed_data}
        return cast(Basics, {**self.current, **touched})

    def _typed(self) -> Basics:
        data = self.cleaned_data
        return Basics(
            name=data["name"],
            listen_path=data["listen_path"] or f"/{self.slug}/{definitions.slugify(data['name'])}/",
            target_url=data["target_url"],
            authentication=Authentication(data["authentication"]),
            rate=data["rate"] or 0,
            per=(data["rate"] and data["per"]) or 0,
            tags=split(data["tags"]),
            active=data["active"],
        )

    def differences(self, saved: Api) -> list[tuple[str, str, str]]:
        """Return (label, what is saved, what was typed) of the fields that are not alike."""
        theirs = _initial(definitions.basics_of(definitions.parse(saved.definition)))
        mine = _initial(self._typed())
        return [
            (str(self[name].label), _shown(theirs[name]), _shown(mine[name]))
            for name in mine
            if mine[name] != theirs[name]
        ]

    def refuse(self, error: Exception) -> None:
        """Show what the service refused at the field that it is about."""
        sent = self.basics()["tags"]
        if isinstance(error, services.ListenPathTaken):
            self.add_error("listen_path", str(error))
        for problem in getattr(error, "problems", [])[:MOST_PROBLEMS]:
            if problem.path[:1] == ("tags",):
                self.add_error("tags", _of_tags(problem, sent))
            else:
                field = FIELD_OF.get(problem.place)
                self.add_error(field, _sentence(problem) if field else problem.message)


class DefinitionForm(forms.Form):
    """The raw editor. `definition` is cleaned to the parsed definition."""

    definition = forms.CharField(
        help_text="What a form does not show, too. id, api_id and org_id stay as they are.",
        strip=False,
        widget=forms.Textarea(attrs={"data-editor": "", "rows": 30, "spellcheck": "false"}),
    )
    revision = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, api: Api) -> None:
        self.api = api
        super().__init__(data, initial={"definition": pretty(api), "revision": api.revision})

    def clean_definition(self) -> RawDefinition:
        try:
            return services.read_definition(self.cleaned_data["definition"], api=self.api)
        except DefinitionError as error:
            raise forms.ValidationError(_told(self.fields["definition"], error)) from None


class DocumentForm(forms.Form):
    """The editor of an OpenAPI API. `document` is cleaned to the parsed document."""

    document = forms.CharField(
        help_text="The OpenAPI document with x-tyk-api-gateway. Its dbId, id and orgId stay as they are.",
        strip=False,
        widget=forms.Textarea(attrs={"data-editor": "", "rows": 30, "spellcheck": "false"}),
    )
    revision = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, api: Api) -> None:
        self.api = api
        super().__init__(data, initial={"document": "" if data else pretty_document(api), "revision": api.revision})

    def clean_document(self) -> dict[str, Any]:
        try:
            return services.read_document(self.cleaned_data["document"], api=self.api)
        except services.REFUSALS as error:
            raise forms.ValidationError(_told(self.fields["document"], error)) from None


def _told(field: forms.Field, error: Exception) -> list[str]:
    """Return the first problems as sentences, and let the editor mark the line of the first."""
    problems: list[Problem] = getattr(error, "problems", [])
    if problems and problems[0].line is not None:
        field.widget.attrs["data-error-line"] = problems[0].line
    return [str(problem) for problem in problems[:MOST_PROBLEMS]] or [str(error)]


def tags_help() -> str:
    return format_html("Separated by commas. {}", tags.standard_in_words())


def split(text: str) -> list[str]:
    return list(dict.fromkeys(tag.strip() for tag in text.split(",") if tag.strip()))


def retype(form: forms.Form, **values: Any) -> None:
    """Make these the values that a form shows, in place of what was sent."""
    form.data = {**cast(QueryDict, form.data).dict(), **values}


def _initial(basics: Basics | None) -> dict[str, Any]:
    """Return the fields as a form shows them; without a definition, what a new API begins with."""
    if basics is None:
        return {"authentication": Authentication.TOKEN.value, "active": True}
    shown = {**basics, "authentication": basics["authentication"].value, "tags": ", ".join(basics["tags"])}
    return shown | {"rate": _number(basics["rate"]), "per": _number(basics["per"])}


def _number(value: float) -> float | int | None:
    """Return 100 for 100.0, and nothing for no limit."""
    return (int(value) if value == int(value) else value) or None


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value in (None, "") else str(value)


def _sentence(problem: Problem) -> str:
    """Return the message without the place, which the field's label says."""
    text = problem.message.removeprefix(problem.place).strip()
    return text[:1].upper() + text[1:]


def _of_tags(problem: Problem, tags: Sequence[str]) -> str:
    """Of one of several tags the sentence says which."""
    match problem.path:
        case (_, int(at)):
            return problem.message.replace(problem.place, f"“{shorten(tags[at], 40)}”", 1)
    return _sentence(problem)


def unless_faulty(text: str, fault_of: Callable[[str], str | None]) -> str:
    if text and (fault := fault_of(text)):
        raise forms.ValidationError(fault[0].upper() + fault[1:])
    return text

"""The shapes of a tag, and of the standard for all tags."""

from typing import Any

from django import forms

from apis.rules import MAX_TAG
from apis.tagging import Standard
from gateways.tags.services import LONGEST_PATTERN, MOST_REQUIRED
from gateways.tags.telling import Entry
from orgs.models import Organisation

MOST_OFFERED = 500  # organisations that a browser suggests; any other's slug may be typed


class Suggesting(forms.TextInput):
    """A text, for which the browser suggests some values: `suggestions` are (value, label)."""

    template_name = "forms/suggesting.html"
    suggestions: list[tuple[str, str]] = []

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context(name, value, {**(attrs or {}), "list": f"{name}-list"})
        return context | {"suggestions": self.suggestions}


class TagForm(forms.Form):
    """`is_known` says that whoever saves it has read what gateways will get no more."""

    name = forms.CharField(
        max_length=MAX_TAG, help_text="As gateways have it in their configuration: upper and lower case differ."
    )
    owner = forms.SlugField(
        required=False,
        max_length=40,
        label="Organisation",
        help_text="Its slug, as in its address. Only this organisation's APIs may have the tag; left empty, all may.",
        widget=Suggesting(attrs={"spellcheck": "false", "autocomplete": "off"}),
    )
    is_automatic = forms.BooleanField(
        required=False,
        label="Automatic",
        help_text="Every API of the organisation is sent to gateways with this tag. Its definition stays as it is.",
    )
    is_known = forms.BooleanField(required=False, label="I have read what stops. Save it.")

    def __init__(self, data: Any = None, *, initial: dict[str, Any] | None = None) -> None:
        super().__init__(data, initial=initial)
        rows = Organisation.objects.order_by("name", "id").values_list("slug", "name")
        self.fields["owner"].widget.suggestions = list(rows[:MOST_OFFERED])

    def clean_owner(self) -> str:
        """Return the organisation's id."""
        slug: str = self.cleaned_data["owner"]
        organisation = Organisation.objects.filter(slug=slug).first() if slug else None
        if slug and organisation is None:
            raise forms.ValidationError("There is no organisation with this slug.")
        return organisation.id if organisation else ""

    def clean(self) -> None:
        if self.cleaned_data.get("is_automatic") and not self.cleaned_data.get("owner") and "owner" not in self.errors:
            self.add_error("owner", "An automatic tag belongs to an organisation: say to which.")

    def entry(self) -> Entry:
        data = self.cleaned_data
        return Entry(data["name"], data["owner"], data["is_automatic"])


class StandardForm(forms.Form):
    pattern = forms.CharField(
        required=False,
        max_length=LONGEST_PATTERN,
        help_text="For example <code>{slug}-*</code>: <code>{slug}</code> is the organisation's slug, and "
        "<code>*</code> any text. No other sign means anything.",
        widget=forms.TextInput(attrs={"spellcheck": "false", "autocomplete": "off", "class": "mono"}),
    )
    allowed = forms.CharField(
        required=False,
        max_length=15_000,
        label="Allowed beside it",
        help_text="Tags that need not be like the pattern, separated by commas.",
    )
    least = forms.IntegerField(required=False, min_value=0, max_value=MOST_REQUIRED, label="Tags at least")
    most = forms.IntegerField(
        required=False, min_value=0, max_value=MOST_REQUIRED, label="At most", help_text="Left empty, any number."
    )
    is_enforced = forms.BooleanField(
        required=False,
        label="Enforced",
        help_text="No API is saved that does not follow it. What is saved already works on, and can be deactivated.",
    )

    def clean(self) -> None:
        least, most = self.cleaned_data.get("least") or 0, self.cleaned_data.get("most")
        if most is not None and most < least:
            self.add_error("most", "That is fewer than at least.")

    def standard(self) -> Standard:
        data = self.cleaned_data
        allowed = (tag.strip() for tag in data["allowed"].split(","))
        return Standard(data["pattern"], tuple(dict.fromkeys(filter(None, allowed))), data["least"] or 0, data["most"])


def initial_of(standard: Standard, *, is_enforced: bool) -> dict[str, Any]:
    return {
        "pattern": standard.pattern,
        "allowed": ", ".join(standard.allowed),
        "least": standard.least or None,
        "most": standard.most,
        "is_enforced": is_enforced,
    }

"""The shape of what visitors and developers type into a portal."""

from typing import Any

from django import forms
from django.db.models import QuerySet

from portal.models import Application
from users.forms import EmailField, NewPasswordForm


class LineField(forms.CharField):
    """One line, so that a name cannot look like more than a name: not in a mail either."""

    def to_python(self, value: Any) -> str:
        return " ".join(str(super().to_python(value) or "").split())


class SignUpForm(forms.Form):
    email = EmailField(label="E-mail address", max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "email"}))
    name = LineField(label="Your name", max_length=80, widget=forms.TextInput(attrs={"autocomplete": "name"}))


class JoinForm(NewPasswordForm):
    """`terms` is there where the portal has some."""

    name = LineField(label="Your name", max_length=80, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    terms = forms.BooleanField(label="I accept the terms", required=True)
    field_order = ("name", "password", "again", "terms")

    def __init__(self, *args: Any, has_terms: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].label = "Password"
        if not has_terms:
            del self.fields["terms"]


class TermsForm(forms.Form):
    terms = forms.BooleanField(label="I accept the terms")
    next = forms.CharField(required=False, max_length=2000, widget=forms.HiddenInput)


class NameForm(forms.Form):
    name = LineField(label="Your name", max_length=80, widget=forms.TextInput(attrs={"autocomplete": "name"}))


class ApplicationForm(forms.Form):
    name = LineField(max_length=80, help_text="What you build, for example: parcel tracker.")
    description = LineField(max_length=300, required=False)


class RequestForm(forms.Form):
    """An application that there is, or the name of a new one, which counts before it."""

    application = forms.ModelChoiceField(
        queryset=Application.objects.none(), required=False, empty_label="None of these"
    )
    new_application = LineField(
        label="Or the name of a new application", max_length=80, required=False,
        help_text="What you build, for example: parcel tracker.",
    )  # fmt: skip
    purpose = forms.CharField(
        label="What do you need it for?", max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )

    def __init__(self, *args: Any, applications: "QuerySet[Application]", is_automatic: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        newest = applications.order_by("-created_at", "-id").first()
        if newest is None:
            del self.fields["application"]
            self.fields["new_application"].label = "Name of your application"
        else:
            self.fields["application"].queryset = applications  # type: ignore[attr-defined]
            self.fields["application"].initial = newest
        if is_automatic:
            del self.fields["purpose"]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if not cleaned.get("application") and not cleaned.get("new_application"):
            self.add_error("new_application", "Say which application the key is for.")
        return cleaned

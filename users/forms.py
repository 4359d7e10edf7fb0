"""The shape of what people type; who may do it is the services' business."""

from typing import Any

from django import forms
from django.forms import BoundField

from orgs.permissions import Level, ObjectKind, Permissions, parse
from users.models import Group, User

PERMISSION = "may_"
LEVELS = [(level.name.lower(), level.name.capitalize()) for level in Level]


class EmailField(forms.EmailField):
    """In lower case, as it is stored, before it is checked: some letters become longer by it."""

    def to_python(self, value: Any) -> str:
        return str(super().to_python(value) or "").lower()


class SignInForm(forms.Form):
    email = EmailField(
        label="E-mail address",
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True}),
    )
    password = forms.CharField(
        max_length=1000, strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )
    next = forms.CharField(required=False, max_length=2000, widget=forms.HiddenInput)


class NewPasswordForm(forms.Form):
    password = forms.CharField(
        label="New password",
        max_length=1000,
        strip=False,
        help_text="At least 12 characters.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    again = forms.CharField(
        label="Once more",
        max_length=1000,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def clean_again(self) -> str:
        again: str = self.cleaned_data["again"]
        if again != self.cleaned_data.get("password", again):
            raise forms.ValidationError("The two passwords differ.")
        return again


class ChangePasswordForm(NewPasswordForm):
    old = forms.CharField(
        label="Present password",
        max_length=1000,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    field_order = ("old", "password", "again")


class ForgotPasswordForm(forms.Form):
    email = EmailField(
        label="E-mail address", max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "username"})
    )


class AcceptInvitationForm(NewPasswordForm):
    name = forms.CharField(label="Your name", max_length=80, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    field_order = ("name", "password", "again")


class AccessKeyForm(forms.Form):
    label = forms.CharField(max_length=80, help_text="What uses it, for example: release script.")


class UnboundedUserForm(forms.Form):
    """The one of `/all/`: there is nothing to permit."""

    email = EmailField(label="E-mail address", max_length=254)
    name = forms.CharField(max_length=80)

    def values(self) -> dict[str, Any]:
        """What the services take."""
        return {"email": self.cleaned_data["email"], "name": self.cleaned_data["name"]}


class PermissionFields(forms.Form):
    """A row of none, read and write for each kind of object."""

    def __init__(self, *args: Any, permissions: dict[str, str] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for kind, level in parse(permissions or {}).items():
            self.fields[f"{PERMISSION}{kind}"] = forms.ChoiceField(
                label=kind.label, choices=LEVELS, widget=forms.RadioSelect, initial=level.name.lower()
            )

    @property
    def plain_fields(self) -> list[BoundField]:
        return [field for field in self if not field.name.startswith(PERMISSION)]

    @property
    def matrix(self) -> dict[str, Any]:
        fields = [field for field in self if field.name.startswith(PERMISSION)]
        return {"legend": "Permissions", "choices": [label for _, label in LEVELS], "fields": fields}

    def permissions(self) -> Permissions:
        return parse({kind: self.cleaned_data[f"{PERMISSION}{kind}"] for kind in ObjectKind})


class UserForm(PermissionFields, UnboundedUserForm):
    is_administrator = forms.BooleanField(
        label="Administrator", required=False, help_text="May do everything in this organisation."
    )
    groups = forms.ModelMultipleChoiceField(
        queryset=Group.objects.all(),
        required=False,
        help_text="Each adds what it permits; they are made under User groups.",
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not by.is_administrator:
            del self.fields["is_administrator"]

    def values(self) -> dict[str, Any]:
        return super().values() | {
            "is_administrator": self.cleaned_data.get("is_administrator", False),
            "permissions": self.permissions(),
            "groups": list(self.cleaned_data["groups"]),
        }


class GroupForm(PermissionFields):
    name = forms.CharField(max_length=80)
    description = forms.CharField(max_length=200, required=False)

    def values(self) -> dict[str, Any]:
        return {
            "name": self.cleaned_data["name"],
            "description": self.cleaned_data["description"],
            "permissions": self.permissions(),
        }

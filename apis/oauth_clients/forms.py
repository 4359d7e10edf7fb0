"""The fields of an OAuth client as people type them."""

from typing import Any, cast

from django import forms

from apis.jsontext import dumps
from apis.models import Api, OAuthClient
from apis.oauth_clients.checking import MAX_DESCRIPTION, MAX_REDIRECT, OAuthClientError, read_metadata

FIELDS = ("redirect_uri", "description", "policy_id", "metadata")


class EditForm(forms.Form):
    description = forms.CharField(required=False, max_length=MAX_DESCRIPTION, help_text="Whose application it is.")
    redirect_uri = forms.CharField(
        required=False,
        max_length=MAX_REDIRECT,
        label="Redirect URI",
        help_text="Where a browser brings the code. Gateways give no tokens to a client without one. "
        "Several, with commas, only for gateways that are set to read them.",
        widget=forms.TextInput(attrs={"placeholder": "https://app.example.com/callback", "spellcheck": "false"}),
    )
    policy_id = forms.ChoiceField(
        required=False, label="Policy", help_text="What its tokens may do: one that opens this API."
    )
    metadata = forms.CharField(
        required=False,
        max_length=20_000,
        help_text="A JSON object, which gateways put into each session of the client.",
        widget=forms.Textarea(attrs={"rows": 4, "class": "mono", "spellcheck": "false"}),
    )

    def __init__(self, data: Any = None, *, api: Api, client: OAuthClient | None = None) -> None:
        super().__init__(data, initial=_initial(client) if client else None)
        policies = [*api.policies.order_by("sort_name", "pk").values_list("pk", "name")]
        kept = client.policy_id if client else ""
        if kept and kept not in dict(policies):
            policies.append((kept, f"{kept}, which opens this API no more"))
        cast(forms.ChoiceField, self.fields["policy_id"]).choices = [("", "None"), *policies]

    def clean_metadata(self) -> dict[str, Any]:
        try:
            return read_metadata(self.cleaned_data["metadata"])
        except OAuthClientError as error:
            raise forms.ValidationError(str(error)) from None


class CreateForm(EditForm):
    client_id = forms.CharField(
        required=False,
        max_length=64,
        label="Client ID",
        help_text="Left empty, one is made.",
        widget=forms.TextInput(attrs={"spellcheck": "false", "autocomplete": "off"}),
    )


def _initial(client: OAuthClient) -> dict[str, Any]:
    fields = {name: getattr(client, name) for name in FIELDS}
    return fields | {"metadata": dumps(client.metadata) if client.metadata else ""}

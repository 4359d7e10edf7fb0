"""The fields of a webhook as people type them."""

from typing import Any, cast

from django import forms

from apis.models import Webhook
from apis.webhooks.checking import MAX_NAME, MAX_TIMEOUT_S, METHODS, WebhookError, read_headers
from apis.webhooks.services import WebhookFields
from orgs.addresses import MAX_TARGET


class WebhookForm(forms.Form):
    name = forms.CharField(max_length=MAX_NAME)
    method = forms.ChoiceField(choices=[(method, method) for method in METHODS])
    target_url = forms.CharField(
        max_length=MAX_TARGET,
        label="Target",
        help_text="Where gateways send events.",
        widget=forms.TextInput(attrs={"placeholder": "https://example.com/events", "spellcheck": "false"}),
    )
    headers = forms.CharField(
        required=False,
        max_length=50_000,
        help_text="Lines of Name: value. Only those who may change webhooks see the values.",
        widget=forms.Textarea(attrs={"rows": 4, "class": "mono", "spellcheck": "false", "autocomplete": "off"}),
    )
    event_timeout_s = forms.IntegerField(
        initial=60,
        min_value=0,
        max_value=MAX_TIMEOUT_S,
        label="Seconds between two of the same event",
        help_text="Within them the same event is not sent again. With 0 it is sent once and never again.",
    )
    template_path = forms.CharField(
        required=False,
        max_length=200,
        label="Template",
        help_text="A file beside the gateway such as templates/name.json. Left empty, its default.",
        widget=forms.TextInput(attrs={"spellcheck": "false"}),
    )

    def clean_headers(self) -> dict[str, str]:
        try:
            return read_headers(self.cleaned_data["headers"].replace("\r\n", "\n"))
        except WebhookError as error:
            raise forms.ValidationError(str(error)) from None

    def fields_typed(self) -> WebhookFields:
        return cast(WebhookFields, self.cleaned_data)


def initial_of(webhook: Webhook) -> dict[str, Any]:
    headers = "\n".join(f"{name}: {value}" for name, value in webhook.headers.items())
    return {name: getattr(webhook, name) for name in WebhookForm.base_fields} | {"headers": headers}

"""What people type of a domain."""

from django import forms

from orgs.models import Domain

HELP = (
    "Dashboard and portal: this site, with the portal below /portal/. Portal: that alone."
    " APIs: gateways serve the APIs whose definition names the host."
)


class PurposeForm(forms.Form):
    purpose = forms.ChoiceField(choices=Domain.Purpose.choices, label="What stands there", help_text=HELP)


class DomainForm(PurposeForm):
    host = forms.CharField(
        max_length=300,
        help_text="The name alone, such as api.example.com. Nothing stands there until it is proven to be yours.",
        widget=forms.TextInput(attrs={"spellcheck": "false", "autocomplete": "off", "autocapitalize": "none"}),
    )

    field_order = ("host", "purpose")

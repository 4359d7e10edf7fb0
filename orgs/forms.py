"""The shape of an organisation's settings, and of what its audit trail is narrowed to."""

from django import forms

from orgs.models import COLOURS
from orgs.trail import KINDS


class SettingsForm(forms.Form):
    name = forms.CharField(max_length=80)
    colour = forms.ChoiceField(choices=[(colour, colour.capitalize()) for colour in COLOURS])
    contact = forms.EmailField(required=False, max_length=254, help_text="Whom to ask about this organisation.")


class AuditFilters(forms.Form):
    """Days are in UTC, both included."""

    actor = forms.EmailField(label="Who (e-mail address)", required=False, max_length=254)
    action = forms.CharField(label="Action", required=False, max_length=40)
    kind = forms.ChoiceField(label="What", required=False, choices=[("", "Anything"), *KINDS.items()])
    since = forms.DateField(label="From", required=False, widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label="To", required=False, widget=forms.DateInput(attrs={"type": "date"}))

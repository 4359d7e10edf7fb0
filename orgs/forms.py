"""The shape of an organisation's settings, and of what its audit trail is narrowed to."""

from django import forms
from django.conf import settings

from orgs.models import COLOURS
from orgs.trail import KINDS


class SettingsForm(forms.Form):
    name = forms.CharField(max_length=80)
    colour = forms.ChoiceField(choices=[(colour, colour.capitalize()) for colour in COLOURS])
    contact = forms.EmailField(required=False, max_length=254, help_text="Whom to ask about this organisation.")
    record_days = forms.IntegerField(
        label="Days that requests are kept",
        required=False,
        min_value=1,
        max_value=settings.RECORD_DAYS,
        help_text=f"Single requests are deleted after these days; empty is {settings.RECORD_DAYS}."
        " What is counted of them stays.",
    )


class AuditFilters(forms.Form):
    """Days are in UTC, both included."""

    actor = forms.EmailField(label="Who (e-mail address)", required=False, max_length=254)
    action = forms.CharField(label="Action", required=False, max_length=40)
    kind = forms.ChoiceField(label="What", required=False, choices=[("", "Anything"), *KINDS.items()])
    since = forms.DateField(label="From", required=False, widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label="To", required=False, widget=forms.DateInput(attrs={"type": "date"}))

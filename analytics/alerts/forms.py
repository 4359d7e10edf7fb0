"""The fields of an alert rule as people type them: those that its kind has."""

import re
from typing import Any, cast

from django import forms
from django.db.models import QuerySet

from analytics.alerts.kinds import BOUNDS, OF_KEYS, OF_REQUESTS, PERCENTILES, WINDOWS, Kind
from analytics.alerts.models import AlertRule
from analytics.alerts.services import MAX_NAME, MOST_EMAILS, MOST_REQUESTS, RuleFields
from apis.models import Api
from gateways.tags.forms import Suggesting
from keys.models import Key
from orgs.addresses import MAX_TARGET
from orgs.ids import is_id
from users import mail

SUGGESTED = 100
THRESHOLDS = {
    Kind.ERRORS: ("More than this share of errors, in percent", 5),
    Kind.LATENCY: ("Slower than this, in milliseconds", 1_000),
    Kind.QUOTA: ("From this share of the quota on, in percent", 80),
    Kind.EXPIRY: ("So many days before", 14),
    Kind.NODE: ("After so many minutes of silence", 5),
}
HELP = {
    Kind.QUOTA: "It is what gateways have counted in the window that runs, with quotas from policies. Quotas of a "
    "single API are not watched.",
    Kind.NODE: "A gateway that was stopped in order signs off, and is not missed.",
    Kind.EXPIRY: "Keys that are disabled or revoked are left out.",
}
# The fields that a kind has not.
WITHOUT = {
    Kind.ERRORS: ("percentile",),
    Kind.LATENCY: ("only_server",),
    Kind.QUOTA: ("window_min", "least_requests", "percentile", "only_server", "api"),
    Kind.EXPIRY: ("window_min", "least_requests", "percentile", "only_server", "api"),
    Kind.NODE: ("window_min", "least_requests", "percentile", "only_server", "api", "key"),
}


class RuleForm(forms.Form):
    """`kind` says which fields there are; a rule keeps its kind."""

    name = forms.CharField(max_length=MAX_NAME)
    threshold = forms.FloatField()
    only_server = forms.BooleanField(required=False, label="Count only server errors (5xx), not those of callers (4xx)")
    percentile = forms.TypedChoiceField(
        coerce=int,
        label="Of which requests",
        choices=[(share, f"p{share}: the slowest {100 - share}% are left out") for share in PERCENTILES],
    )
    window_min = forms.TypedChoiceField(
        coerce=int, label="Within the last", choices=[(minutes, f"{minutes} minutes") for minutes in WINDOWS]
    )
    least_requests = forms.IntegerField(
        min_value=1,
        max_value=MOST_REQUESTS,
        initial=20,
        label="With at least so many requests",
        help_text="Of fewer, a single one would decide.",
    )
    api = forms.CharField(
        required=False,
        max_length=200,
        label="API",
        help_text="Its name or its ID. Left empty, all APIs together.",
        widget=Suggesting(attrs={"spellcheck": "false", "autocomplete": "off"}),
    )
    key = forms.CharField(
        required=False,
        max_length=200,
        label="Key",
        help_text="Its alias or its ID. Left empty, all keys.",
        widget=forms.TextInput(attrs={"spellcheck": "false", "autocomplete": "off"}),
    )
    emails = forms.CharField(
        required=False,
        max_length=3_000,
        label="Tell these e-mail addresses",
        help_text=f"At most {MOST_EMAILS}, each on a line.",
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "autocomplete": "off"}),
    )
    url = forms.CharField(
        required=False,
        max_length=MAX_TARGET,
        label="Tell this webhook",
        help_text="An address of the internet, which is sent signed JSON. The secret is shown once, after you save.",
        widget=forms.TextInput(attrs={"placeholder": "https://example.com/alerts", "spellcheck": "false"}),
    )
    is_enabled = forms.BooleanField(required=False, initial=True, label="Switched on")

    def __init__(self, data: Any = None, *, kind: Kind, rule: AlertRule | None = None) -> None:
        super().__init__(data, initial=initial_of(rule) if rule else None)
        self.kind = kind
        for name in WITHOUT[kind]:
            del self.fields[name]
        threshold = self.fields["threshold"]
        threshold.label, default = THRESHOLDS[kind]
        threshold.help_text = HELP.get(kind, "")
        threshold.widget.attrs |= dict(zip(("min", "max"), BOUNDS[kind], strict=True))
        if not rule:
            threshold.initial = default
        if "api" in self.fields:
            names = Api.objects.order_by("sort_name", "id").values_list("name", "listen_path")[:SUGGESTED]
            cast(Suggesting, self.fields["api"].widget).suggestions = [(name, path) for name, path in names]
        if "key" in self.fields and kind in OF_REQUESTS:
            self.fields["key"].help_text = "Its alias or its ID. Left empty, requests with all keys and without one."
        if not mail.is_real():
            self.fields["emails"].help_text += " This installation sends no mail yet: EMAIL_URL is not set."

    def clean_api(self) -> str:
        return found_one(Api.objects.all(), "sort_name", self.cleaned_data["api"], "API")

    def clean_key(self) -> str:
        keys = Key.objects.filter(revoked_at=None) if self.kind in OF_KEYS else Key.objects.none()
        return found_one(keys, "sort_alias", self.cleaned_data["key"], "key")

    def clean_emails(self) -> list[str]:
        return [email for email in re.split(r"[\s,;]+", self.cleaned_data["emails"]) if email]

    def fields_typed(self) -> RuleFields:
        return cast(RuleFields, {**self.cleaned_data, "kind": self.kind.value})


def found_one(rows: "QuerySet[Any]", column: str, text: str, word: str) -> str:
    """Return the id of the one that is meant by its name or id. Raises ValidationError."""
    text = text.strip().replace("\0", "")
    if not text:
        return ""
    if is_id(text) and rows.filter(pk=text).exists():
        return text
    found = list(rows.filter(**{column: text.lower()}).order_by().values_list("pk", flat=True)[:2])
    if not found:
        raise forms.ValidationError(f"There is no {word} with this name or ID.")
    if len(found) > 1:
        raise forms.ValidationError(f"Several have this name: write the ID, which is in the address of the {word}.")
    return str(found[0])


def initial_of(rule: AlertRule) -> dict[str, Any]:
    found: dict[str, Any] = {name: getattr(rule, name) for name in RuleForm.base_fields}
    return found | {
        "threshold": f"{rule.threshold:.15g}",
        "emails": "\n".join(rule.emails),
        "api": name_of(Api.objects.all(), "name", "sort_name", rule.api),
        "key": name_of(Key.objects.filter(revoked_at=None), "alias", "sort_alias", rule.key),
    }


def name_of(rows: "QuerySet[Any]", name: str, column: str, id: str) -> str:
    """Return what `found_one` finds it by: its name, or its id where others have the name too."""
    text = rows.filter(pk=id).values_list(name, flat=True).first() if id else None
    if text is None or rows.filter(**{column: text.lower()}).order_by().count() > 1:
        return id
    return str(text)

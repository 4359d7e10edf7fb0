"""The forms of keys: one input each, in the words of `keys.settings`."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from django import forms
from django.core.signing import BadSignature, Signer
from django.http import QueryDict
from django.utils import timezone

from apis import jsontext
from keys import choosing
from keys.errors import BadSetting, KeyRefused
from keys.models import Key
from keys.paths import BadAllowedUrl
from keys.session import UNLIMITED
from keys.settings import ALIAS_LENGTH, METADATA_DEPTH, METADATA_VALUES, KeySettings, period
from orgs import scope
from orgs.ids import new_id

AT = "at"
EXPIRIES = (
    ("", "Never"),
    *((str(days), f"In {days} days") for days in (7, 30, 90, 365)),
    (AT, "At the time given here:"),
)
WINDOWS = [
    (60, "a minute"),
    (3600, "an hour"),
    (86_400, "a day"),
    (604_800, "a week"),
    (2_592_000, "30 days"),
    (0, "never renewed"),
]


class UtcDateTimeField(forms.DateTimeField):
    """A moment in UTC, as every time on our pages, whatever TIME_ZONE says."""

    widget = forms.DateTimeInput({"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")

    def to_python(self, value: Any) -> datetime | None:
        with timezone.override(UTC):
            return super().to_python(value)

    def prepare_value(self, value: Any) -> Any:
        with timezone.override(UTC):
            return super().prepare_value(value)


class LimitsForm(forms.Form):
    """What the forms of keys and of policies have in common. `data` also holds the ticked APIs (`keys.choosing`)."""

    quota_window_s = forms.TypedChoiceField(
        label="Window", required=False, coerce=int, empty_value="86400", choices=WINDOWS, initial=86_400
    )
    tags = forms.CharField(required=False, max_length=2000, help_text="With commas between them.")
    metadata = forms.CharField(
        required=False,
        max_length=20_000,
        widget=forms.Textarea({"rows": 4, "class": "mono", "spellcheck": "false"}),
        help_text="Lines of name=value, or a JSON object. Gateways and plugins read it.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.offer_seconds("quota_window_s")

    def offer_seconds(self, name: str) -> None:
        """What was made elsewhere may have a time of any length; it stays."""
        field = cast(forms.TypedChoiceField, self.fields[name])
        seconds = str(self.data.get(name) or self.get_initial_for_field(field, name))
        offered = cast(Iterable[tuple[int, str]], field.choices)
        if seconds.isdecimal() and len(seconds) < 11 and int(seconds) not in dict(offered):
            field.choices = [*offered, (int(seconds), period(int(seconds)))]

    def clean_metadata(self) -> dict[str, Any]:
        try:
            return parse_metadata(self.cleaned_data["metadata"])
        except BadSetting as error:
            raise forms.ValidationError(str(error)) from None

    def tags_given(self) -> list[str]:
        return [tag.strip() for tag in self.cleaned_data["tags"].split(",") if tag.strip()]

    def sent(self) -> QueryDict:
        return cast(QueryDict, self.data)


class RevisedForm(forms.Form):
    """`revision` is that of the object when the form was made."""

    revision = forms.IntegerField(widget=forms.HiddenInput)

    def now_from(self, revision: int) -> None:
        """Let the next sending replace what was saved meanwhile."""
        self.data = cast(QueryDict, self.data).copy()
        self.data["revision"] = str(revision)


class KeyForm(LimitsForm):
    """After `is_valid`, `settings()` is what to save."""

    alias = forms.CharField(max_length=ALIAS_LENGTH, help_text="Whose key it is and what for.")
    reach = forms.ChoiceField(
        label="Opens",
        initial="chosen",
        choices=[
            ("chosen", "The APIs and policies ticked below"),
            ("all", "All of this organisation's APIs, also later ones"),
        ],
        widget=forms.RadioSelect,
    )
    rate = forms.FloatField(required=False, min_value=0, help_text="Requests in each period; empty is no limit.")
    per_s = forms.FloatField(label="Period in seconds", required=False, min_value=0, initial="1")
    quota_max = forms.IntegerField(
        label="Quota", required=False, min_value=1, help_text="Requests in each window; empty is no quota."
    )
    expires = forms.ChoiceField(required=False, choices=EXPIRIES)
    expires_at = UtcDateTimeField(label="Time (UTC)", required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["alias"].widget.attrs["autofocus"] = True

    def clean(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        has_all_apis = cleaned.get("reach") == "all"
        try:
            self.accesses = () if has_all_apis else choosing.accesses_in(self.sent())
            self.policies = () if has_all_apis else choosing.policies_in(self.sent())
        except (KeyRefused, BadAllowedUrl) as error:
            self.add_error(None, str(error))
        if cleaned.get("expires") == AT and not cleaned.get("expires_at") and "expires_at" not in self.errors:
            self.add_error("expires_at", "Give the time at which the key expires.")
        if cleaned.get("expires") != AT and cleaned.get("expires_at") and "expires_at" in self.changed_data:
            self.add_error("expires", "Choose “At the time given here”, or empty the time.")
        return cleaned

    def settings(self) -> KeySettings:
        cleaned = self.cleaned_data
        return KeySettings(
            alias=cleaned["alias"],
            accesses=self.accesses,
            policies=self.policies,
            has_all_apis=cleaned["reach"] == "all",
            rate=cleaned["rate"] or 0,
            per_s=(cleaned["per_s"] or 0) if cleaned["rate"] else 0,
            quota_max=cleaned["quota_max"] or UNLIMITED,
            quota_window_s=int(cleaned["quota_window_s"]),
            expires_at=_expiry(cleaned["expires"], cleaned["expires_at"]),
            tags=self.tags_given(),
            metadata=cleaned["metadata"],
        )


class CreateForm(KeyForm):
    """`form_id` is the id of the key to be, given out with the form: sent twice, it makes one key."""

    form_id = forms.CharField(widget=forms.HiddenInput)

    def clean_form_id(self) -> str:
        try:
            return _signer().unsign(self.cleaned_data["form_id"])
        except BadSignature:
            self.data = self.sent().copy()
            self.data["form_id"] = new_form_id()
            raise forms.ValidationError("This form was too old. Send it once more.") from None


class EditForm(RevisedForm, KeyForm):
    pass


class RotateForm(forms.Form):
    grace = forms.TypedChoiceField(
        label="The present secret stops",
        coerce=lambda seconds: timedelta(seconds=int(seconds)),
        choices=[
            ("0", "now"),
            ("900", "in 15 minutes"),
            ("3600", "in 1 hour"),
            ("86400", "in 24 hours"),
            ("604800", "in 7 days"),
        ],
        initial="86400",
        widget=forms.RadioSelect,
    )
    revision = forms.IntegerField(widget=forms.HiddenInput)


def new_form_id() -> str:
    return _signer().sign(new_id())


def initial_of(key: Key) -> dict[str, Any]:
    return {
        "revision": key.revision,
        "alias": key.alias,
        "reach": "all" if key.has_all_apis else "chosen",
        "rate": f"{key.rate:.12g}" if key.rate else "",
        "per_s": f"{key.per_s:.12g}" if key.rate else "1",
        "quota_max": "" if key.quota_max == UNLIMITED else key.quota_max,
        "quota_window_s": key.quota_window_s,
        "expires": AT if key.expires_at else "",
        "expires_at": key.expires_at,
        "tags": ", ".join(key.tags),
        "metadata": metadata_text(key.metadata),
    }


def parse_metadata(text: str) -> dict[str, Any]:
    """Read a JSON object or lines of name=value. Raises BadSetting with the line."""
    if text.lstrip().startswith("{"):
        return _parse_json(text)
    entries: dict[str, Any] = {}
    for number, line in enumerate(text.splitlines(), 1):
        name, equals, value = (part.strip() for part in line.partition("="))
        if line.strip() and (not equals or not name):
            raise BadSetting(f"Line {number}: write name=value.")
        if name in entries:
            raise BadSetting(f"Line {number}: {name[:40]!r} is there twice.")
        if name:
            entries[name] = value
    return entries


def metadata_text(metadata: Mapping[str, Any]) -> str:
    """Return lines where they say it all, else JSON."""
    lines = "\n".join(f"{name}={value}" for name, value in metadata.items())
    try:
        return lines if parse_metadata(lines) == metadata else _json(metadata)
    except BadSetting:
        return _json(metadata)


def _parse_json(text: str) -> dict[str, Any]:
    try:
        value = jsontext.loads(text, max_depth=METADATA_DEPTH, max_values=METADATA_VALUES)
        return cast(dict[str, Any], value)  # it begins with a brace
    except jsontext.TextError as error:
        raise BadSetting(str(error)) from None


def _json(metadata: Mapping[str, Any]) -> str:
    return json.dumps(metadata, ensure_ascii=False, indent=2)


def _expiry(expires: str, expires_at: datetime | None) -> datetime | None:
    if expires == AT:
        return expires_at
    return timezone.now() + timedelta(days=int(expires)) if expires else None


def _signer() -> Signer:
    return Signer(salt=f"keys.form_id.{scope.current_organisation_id()}")

"""The form of a policy, in the words of `keys.policies.settings`."""

from typing import Any

from django import forms

from keys import choosing
from keys.errors import KeyRefused
from keys.forms import WINDOWS, LimitsForm, RevisedForm, metadata_text
from keys.merging import Partition
from keys.models import Policy
from keys.paths import BadAllowedUrl
from keys.policies.settings import PARTS, PolicySettings
from keys.settings import ALIAS_LENGTH

LIVES = [(0, "for ever"), *((seconds, name) for seconds, name in WINDOWS if seconds > 60), (31_536_000, "365 days")]
EVERYTHING, SOME, EACH = "everything", "some", "each"


class PolicyForm(LimitsForm):
    """After `is_valid`, `settings()` is what to save."""

    name = forms.CharField(max_length=ALIAS_LENGTH, help_text="Such as Gold: keys choose it by this name.")
    explicit_id = forms.CharField(
        label="ID of its own", required=False, max_length=100, help_text="Beside ours, for scripts; may stay empty."
    )
    gives = forms.ChoiceField(
        initial=EVERYTHING,
        choices=[
            (EVERYTHING, "What is open, and limits for all of it together"),
            (EACH, "What is open, and limits for each API"),
            (SOME, "The parts ticked here; the others come from other policies or from the key"),
        ],
        widget=forms.RadioSelect,
    )
    parts = forms.MultipleChoiceField(
        required=False,
        choices=[(part.value, label.capitalize()) for part, label in PARTS.items() if part != Partition.PER_API],
        widget=forms.CheckboxSelectMultiple,
        help_text="They count with the last choice alone. How deep queries may go is set with the JSON API.",
    )
    rate = forms.FloatField(
        required=False,
        min_value=-1,
        help_text="Requests in each period. Empty leaves it to other policies; -1 is no limit, whatever they say.",
    )
    per_s = forms.FloatField(label="Period in seconds", required=False, min_value=-1, initial="1")
    quota_max = forms.IntegerField(
        label="Quota",
        required=False,
        min_value=-1,
        help_text="Requests in each window. Empty leaves it to other policies; -1 is no quota, whatever they say.",
    )
    key_expires_in_s = forms.TypedChoiceField(
        label="New keys live", required=False, coerce=int, empty_value="0", choices=LIVES, initial=0
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].widget.attrs["autofocus"] = True
        self.offer_seconds("key_expires_in_s")

    def clean(self) -> dict[str, Any]:
        try:
            self.accesses = choosing.accesses_in(self.sent())
        except (KeyRefused, BadAllowedUrl) as error:
            self.add_error(None, str(error))
        if self.cleaned_data.get("gives") == SOME and not self.cleaned_data.get("parts"):
            self.add_error("parts", "Tick at least one part.")
        if self.cleaned_data.get("gives") in (EVERYTHING, EACH) and self.cleaned_data.get("parts"):
            self.add_error("parts", "Parts count with the last choice alone: choose it, or untick them.")
        return self.cleaned_data

    def settings(self) -> PolicySettings:
        cleaned = self.cleaned_data
        return PolicySettings(
            name=cleaned["name"],
            explicit_id=cleaned["explicit_id"],
            accesses=self.accesses,
            rate=cleaned["rate"] or 0,
            per_s=(cleaned["per_s"] or 0) if cleaned["rate"] else 0,
            quota_max=cleaned["quota_max"] or 0,
            quota_window_s=int(cleaned["quota_window_s"]),
            key_expires_in_s=int(cleaned["key_expires_in_s"]),
            partitions={EVERYTHING: [], EACH: [Partition.PER_API.value], SOME: cleaned["parts"]}[cleaned["gives"]],
            tags=self.tags_given(),
            metadata=cleaned["metadata"],
        )


class EditForm(RevisedForm, PolicyForm):
    pass


def initial_of(policy: Policy) -> dict[str, Any]:
    is_each = policy.partitions == [Partition.PER_API]
    return {
        "revision": policy.revision,
        "name": policy.name,
        "explicit_id": policy.explicit_id,
        "gives": EACH if is_each else SOME if policy.partitions else EVERYTHING,
        "parts": [] if is_each else policy.partitions,
        "rate": f"{policy.rate:.12g}" if policy.rate else "",
        "per_s": f"{policy.per_s:.12g}" if policy.rate else "1",
        "quota_max": policy.quota_max or "",
        "quota_window_s": max(policy.quota_window_s, 0),
        "key_expires_in_s": max(policy.key_expires_in_s, 0),
        "tags": ", ".join(policy.tags),
        "metadata": metadata_text(policy.metadata),
    }

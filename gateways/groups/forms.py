"""A group of gateways as it is typed."""

import hashlib
import json
import re
from datetime import timedelta
from typing import Any, cast

from django import forms
from django.http import QueryDict

from gateways import services
from gateways.models import GatewayGroup
from gateways.services import GRACES, GroupRefused, GroupSettings
from keys.token import HashAlgorithm
from orgs.ids import is_id
from orgs.models import Organisation
from orgs.sealing import unseal

ALL, CHOSEN = "all", "chosen"
KEEP, SHARED, OWN = "keep", "shared", "own"
# By what a refusal begins with.
FIELD_OF = {
    "Name": "name",
    "Organisations": "organisations",
    "Tags": "tags",
    "Hash algorithm": "hash_algorithm",
    "Redis": "redis_url",
    "API": "api_url",
}
MOST_NAMED = 5
SEPARATORS = re.compile(r"[\s,;]+")


class GroupForm(forms.Form):
    """`group` is the one that is edited. What is secret about it is never shown again."""

    name = forms.CharField(max_length=80, help_text="The organisations that it serves see this name.")
    reach = forms.ChoiceField(
        label="Serves",
        choices=[(ALL, "every organisation, also those to come"), (CHOSEN, "these organisations")],
        widget=forms.RadioSelect,
    )
    organisations = forms.CharField(
        required=False,
        help_text="The slugs of those that it serves, a line each: acme-payments for what stands at /o/acme-payments/.",
        widget=forms.Textarea(attrs={"rows": 4, "class": "mono", "spellcheck": "false"}),
    )
    tags = forms.CharField(
        required=False,
        max_length=4000,
        label="Segment tags",
        help_text="Separated by commas. With tags, its gateways load only the APIs that have one of them.",
        widget=forms.TextInput(attrs={"placeholder": "edge, internal", "spellcheck": "false"}),
    )
    hash_algorithm = forms.ChoiceField(
        label="Hash of keys",
        choices=[(algorithm.value, algorithm.value) for algorithm in HashAlgorithm],
        help_text="The hash_key_function of its gateways. Keys that were made here name their own; custom ones open "
        "nothing where it is not the installation's.",
    )
    redis = forms.ChoiceField(
        label="Redis",
        widget=forms.RadioSelect,
        help_text="Where its gateways read keys: Redis or Valkey. Groups that share one can read each other's keys.",
    )
    redis_url = forms.CharField(
        required=False,
        max_length=services.LONGEST_URL,
        label="Its address",
        help_text="Kept encrypted, and shown again without its password.",
        widget=forms.TextInput(
            attrs={"placeholder": "redis://:password@host:6379/0", "spellcheck": "false", "autocomplete": "off"}
        ),
    )
    api_url = forms.CharField(
        required=False,
        max_length=services.LONGEST_URL,
        label="Gateway API",
        help_text="Where one of its gateways answers to its own API: it is asked for its version.",
        widget=forms.TextInput(attrs={"placeholder": "https://gateway.example:8080", "spellcheck": "false"}),
    )
    api_secret = forms.CharField(
        required=False,
        max_length=200,
        label="Its secret",
        help_text="Gateways read private keys of certificates with it: without it they are delivered none.",
        widget=forms.PasswordInput(render_value=True, attrs={"autocomplete": "new-password"}),
    )

    # What was saved when the form was opened: so that nobody's change is lost to another's.
    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, group: GatewayGroup | None = None) -> None:
        self.group = group
        super().__init__(data, initial=_initial(group))
        choices = [
            (SHARED, "the installation's"),
            (OWN, "one of its own, whose address follows"),
        ]
        if group and group.sealed_redis_url:
            own = services.without_password(unseal(group.sealed_redis_url))
            choices.insert(0, (KEEP, f"the present one, {own}"))
        cast(forms.ChoiceField, self.fields["redis"]).choices = choices
        if group and group.sealed_api_secret:
            self.fields["api_secret"].help_text += " Left empty, it stays as it is."

    def clean_organisations(self) -> list[str]:
        """Return the ids; slugs and ids are taken."""
        typed = [text for text in SEPARATORS.split(self.cleaned_data["organisations"].strip()) if text]
        slugs = [text.strip("/").rpartition("/")[2].lower() for text in typed]
        found = dict(Organisation.objects.filter(slug__in=slugs).values_list("slug", "id"))
        known = set(Organisation.objects.filter(pk__in=filter(is_id, slugs)).values_list("id", flat=True))
        unknown = [slug for slug in dict.fromkeys(slugs) if slug not in found and slug not in known]
        if unknown:
            more = f" and {len(unknown) - MOST_NAMED:,} more" if len(unknown) > MOST_NAMED else ""
            raise forms.ValidationError(f"There is no organisation {', '.join(unknown[:MOST_NAMED])}{more}.")
        return list(dict.fromkeys(found.get(slug, slug) for slug in slugs))

    def clean(self) -> None:
        data = self.cleaned_data
        if data.get("redis") == OWN and not data.get("redis_url") and "redis_url" not in self.errors:
            self.add_error("redis_url", "Give its address, or choose another Redis above.")
        if data.get("redis_url") and data.get("redis") in (KEEP, SHARED):
            self.add_error("redis", "Choose the last of these for the address below, or empty that.")
        if data.get("api_secret") and not data.get("api_url") and "api_url" not in self.errors:
            self.add_error("api_url", "Say where the API is whose secret follows.")

    @property
    def is_outdated(self) -> bool:
        return self.group is not None and self.cleaned_data["seen"] != self.initial["seen"]

    def differences(self) -> list[tuple[str, str, str]]:
        """Return (label, what is saved, what was typed) of the fields that are not alike; no secret is one of them."""
        self.data = {**cast(QueryDict, self.data).dict(), "seen": self.initial["seen"]}
        shown = [name for name in self.fields if name not in ("seen", "redis_url", "api_secret")]
        pairs = [(name, str(self.initial.get(name) or ""), str(self.data.get(name) or "")) for name in shown]
        return [(str(self[name].label), theirs, mine) for name, theirs, mine in pairs if theirs != mine]

    def settings(self) -> GroupSettings:
        """Return what was typed; of a group that is edited only what is changed: the rest stays as it is by then."""
        data = self.cleaned_data
        typed = GroupSettings(
            name=data["name"],
            serves_all=data["reach"] == ALL,
            organisation_ids=data["organisations"] if data["reach"] == CHOSEN else [],
            tags=[tag.strip() for tag in data["tags"].split(",") if tag.strip()],
            hash_algorithm=data["hash_algorithm"],
            redis_url=data["redis_url"] if data["redis"] == OWN else "",
            api_url=data["api_url"],
            api_secret=data["api_secret"],
        )
        return typed if self.group is None else self._changed(typed)

    def _changed(self, typed: GroupSettings) -> GroupSettings:
        touched = set(self.changed_data)
        names: set[str] = {
            name for name in ("name", "tags", "hash_algorithm", "api_url", "api_secret") if name in touched
        }
        if touched & {"reach", "organisations"}:
            names |= {"serves_all", "organisation_ids"}
        if self.cleaned_data["redis"] != KEEP and touched & {"redis", "redis_url"}:
            names.add("redis_url")
        return cast(GroupSettings, {name: value for name, value in typed.items() if name in names})

    def refuse(self, refused: GroupRefused) -> None:
        """Show what the service refused at the field that it is about."""
        label, _, text = str(refused).partition(": ")
        if field := FIELD_OF.get(label):
            self.add_error(field, text[:1].upper() + text[1:])
        else:
            self.add_error(None, str(refused))


class RotateForm(forms.Form):
    grace = forms.TypedChoiceField(
        label="The present secret stops",
        coerce=lambda seconds: timedelta(seconds=int(seconds)),
        choices=[
            (str(int(grace.total_seconds())), label if not grace else f"in {label}") for grace, label in GRACES.items()
        ],
        initial="86400",
        widget=forms.RadioSelect,
    )
    # So that a form that is sent twice makes one new secret.
    present = forms.CharField(widget=forms.HiddenInput)


def _initial(group: GatewayGroup | None) -> dict[str, Any]:
    if group is None:
        return {"reach": ALL, "hash_algorithm": services.default_hash(), "redis": SHARED}
    slugs = Organisation.objects.filter(pk__in=group.organisation_ids).order_by("slug").values_list("slug", flat=True)
    return {
        "seen": hashlib.sha256(json.dumps(services.facts(group)).encode()).hexdigest()[:16],
        "name": group.name,
        "reach": ALL if group.serves_all else CHOSEN,
        "organisations": "\n".join(slugs),
        "tags": ", ".join(group.tags),
        "hash_algorithm": group.hash_algorithm,
        "redis": KEEP if group.sealed_redis_url else SHARED,
        "api_url": group.api_url,
    }

"""The shape of what administrators type about their portal."""

from typing import Any

from django import forms

from apis.models import Api
from keys.models import Policy
from portal.managing import hints
from portal.models import Entry, Plan, Portal
from portal.names import distinct, slug_of
from users.forms import EmailField

MARKDOWN = forms.Textarea(attrs={"rows": 14, "spellcheck": "true"})
EMPTY_PLANS = 3


class ListField(forms.CharField):
    """Names in one line, with commas between them, or each in a line of its own."""

    def __init__(self, *, longest: int = 60, **kwargs: Any) -> None:
        """`longest` is how many characters each may have."""
        super().__init__(required=False, max_length=5_000, **kwargs)
        self.longest = longest

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list | tuple) else value

    def clean(self, value: Any) -> list[str]:
        text: str = super().clean(value)
        names = distinct(part for line in text.splitlines() for part in line.split(","))
        if too_long := [name for name in names if len(name) > self.longest]:
            raise forms.ValidationError(f"“{too_long[0][:40]}…” has more than {self.longest} characters.")
        return names


class EmailsField(ListField):
    def clean(self, value: Any) -> list[str]:
        return [EmailField(max_length=254).clean(text) for text in super().clean(value)]


class PortalForm(forms.Form):
    revision = forms.IntegerField(widget=forms.HiddenInput, required=False)
    is_on = forms.BooleanField(
        label="The portal is on", required=False, help_text="While it is off, there is nothing at its address."
    )
    title = forms.CharField(
        max_length=80, required=False, help_text="Its name; the organisation's where you leave it empty."
    )
    tagline = forms.CharField(max_length=200, required=False, help_text="A sentence below the name.")
    gateway_url = forms.CharField(
        label="Address of the gateway", max_length=300, required=False,
        help_text="Where developers reach your APIs, for example https://api.acme.example. An API with a domain of its"
        " own is shown there instead.",
    )  # fmt: skip
    sign_up = forms.ChoiceField(label="Who may sign up", choices=Portal.SIGN_UPS, widget=forms.RadioSelect)
    email_domains = ListField(
        label="E-mail domains",
        longest=253,
        help_text="Whose addresses may sign up, where you chose so: acme.example, acme.org",
    )
    notified = EmailsField(
        label="Tell of requests",
        longest=254,
        help_text="E-mail addresses that get a mail when a developer asks for a key.",
    )
    terms = forms.CharField(
        required=False, max_length=100_000, widget=MARKDOWN,
        help_text=f"Developers accept them when they join, and again when you change them. {hints.MARKDOWN}",
    )  # fmt: skip


class LookForm(forms.Form):
    logo = forms.FileField(required=False, help_text="PNG, JPEG, GIF, WebP or SVG, at most 200 kB.")
    removes_logo = forms.BooleanField(label="Remove the logo", required=False)
    variables = forms.CharField(
        label="Colours and other variables", required=False, max_length=5_000,
        widget=forms.Textarea(
            attrs={"rows": 12, "spellcheck": "false", "class": "mono", "placeholder": "--portal-accent: #0b62bd;"}
        ),
    )  # fmt: skip


class DeveloperForm(forms.Form):
    name = forms.CharField(max_length=80)
    groups = ListField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["groups"].help_text = hints.groups("Catalogue entries may be for these alone: partners, beta.")


class InviteForm(DeveloperForm):
    email = EmailField(label="E-mail address", max_length=254)
    name = forms.CharField(max_length=80, required=False)
    field_order = ("email", "name", "groups")


class DecisionForm(forms.Form):
    reason = forms.CharField(
        max_length=300, required=False, widget=forms.Textarea(attrs={"rows": 2}),
        help_text="The developer reads it. Needed to refuse.",
    )  # fmt: skip


class PageForm(forms.Form):
    title = forms.CharField(max_length=120)
    slug = forms.CharField(
        label="Address", max_length=80, required=False, help_text="The end of it; made of the title where it is empty."
    )
    body = forms.CharField(label="Text", required=False, max_length=100_000, widget=MARKDOWN, help_text=hints.MARKDOWN)
    is_published = forms.BooleanField(label="Published", required=False)
    is_for_developers = forms.BooleanField(label="Only for developers who are signed in", required=False)
    in_navigation = forms.BooleanField(label="In the navigation", required=False, initial=True)
    position = forms.IntegerField(
        required=False, initial=0, min_value=-1_000, max_value=1_000, help_text="Lower ones come first."
    )
    revision = forms.IntegerField(widget=forms.HiddenInput, initial=0)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        cleaned["slug"] = cleaned.get("slug") or slug_of(cleaned.get("title", ""), 80)
        return cleaned

    def clean_position(self) -> int:
        return self.cleaned_data["position"] or 0


class EntryForm(forms.Form):
    api = forms.ModelChoiceField(
        label="API", queryset=Api.objects.none(), required=False, empty_label="None: it is what its plans open"
    )
    title = forms.CharField(max_length=120, required=False, help_text="The API's name where you leave it empty.")
    summary = forms.CharField(max_length=300, required=False, help_text="A sentence for the list.")
    description = forms.CharField(required=False, max_length=100_000, widget=MARKDOWN, help_text=hints.MARKDOWN)
    categories = ListField()
    audience = forms.ChoiceField(label="Who sees it", choices=Entry.AUDIENCES, widget=forms.RadioSelect)
    groups = ListField()
    shows_documentation = forms.BooleanField(
        label="Show the documentation", required=False, help_text="Of the API's OpenAPI document, where it has one."
    )
    is_published = forms.BooleanField(
        label="Published", required=False, help_text="Otherwise it is a draft, which developers do not see."
    )
    slug = forms.CharField(
        label="Address", max_length=80, required=False, help_text="The end of it; made of the title where it is empty."
    )
    position = forms.IntegerField(
        required=False, initial=0, min_value=-1_000, max_value=1_000, help_text="Lower ones come first."
    )
    revision = forms.IntegerField(widget=forms.HiddenInput, initial=0)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["categories"].help_text = hints.categories("With commas between them: payments, reports.")
        self.fields["groups"].help_text = hints.groups("Of developers, where you chose so: partners, beta.")
        self.fields["api"].queryset = Api.objects.order_by("sort_name", "id").only("id", "name")  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if not cleaned.get("title", "").strip() and "api" in cleaned:
            if cleaned["api"] is None:
                self.add_error("title", "Give it a title, or choose an API.")
            else:
                cleaned["title"] = str(cleaned["api"].name)[:120]
        cleaned["position"] = cleaned.get("position") or 0
        return cleaned


class PlanForm(forms.Form):
    """A row of the table of plans; without a policy it is none."""

    policy = forms.ModelChoiceField(queryset=Policy.objects.none(), required=False)
    name = forms.CharField(max_length=80, required=False, help_text="The policy's name where you leave it empty.")
    description = forms.CharField(max_length=300, required=False)
    approval = forms.ChoiceField(label="A key is given", choices=Plan.APPROVALS, initial=Plan.BY_HAND, required=False)

    def __init__(self, *args: Any, policies: list[tuple[str, Any]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["policy"]
        field.queryset = Policy.objects.all()
        field.widget.choices = [("", "None"), *policies]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        policy, name = cleaned.get("policy"), cleaned.get("name", "").strip()
        if policy and not name:
            cleaned["name"] = policy.name[:80]
        if (name or cleaned.get("description")) and not policy and self.empty_permitted and not self.errors:
            self.add_error("policy", "Choose a policy for it, or empty the row.")
        cleaned["approval"] = cleaned.get("approval") or Plan.BY_HAND
        return cleaned


class PlanForms(forms.BaseFormSet):  # type: ignore[type-arg]  # it takes none when it runs
    """The choices are asked for once, not for each row: first those that open the entry's API, where it has one."""

    def __init__(self, *args: Any, api_id: str, **kwargs: Any) -> None:
        names = list(Policy.objects.order_by("sort_name", "id").values_list("id", "name"))
        opening = {*Policy.objects.filter(accesses__api=api_id).values_list("id", flat=True)} if api_id else set()
        parts = [("Open this API", [pair for pair in names if pair[0] in opening])]
        parts.append(("Do not open it", [pair for pair in names if pair[0] not in opening]))
        self.policies = [part for part in parts if part[1]] if opening else names
        super().__init__(*args, **kwargs)

    def get_form_kwargs(self, index: int | None) -> dict[str, Any]:
        return {**super().get_form_kwargs(index), "policies": self.policies}

    def plans(self) -> list[dict[str, Any]]:
        """What `services.publishing.set_plans` takes."""
        return [form.cleaned_data for form in self.forms if form.cleaned_data.get("policy")]


PlanFormSet = forms.formset_factory(PlanForm, formset=PlanForms, extra=EMPTY_PLANS, max_num=20, absolute_max=40)

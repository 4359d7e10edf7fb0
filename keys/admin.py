"""Keys and policies in the Django admin: shown, without anything of their secrets, and changed on their own pages."""

from django.contrib import admin
from django.utils import timezone

from keys.models import Key
from keys.policies import services as policies
from keys.services import KIND
from keys.states import state_of
from orgs.admin import OrgModelAdmin
from orgs.permissions import ObjectKind


class KeyAdmin(OrgModelAdmin):
    kind = ObjectKind.KEYS
    audit_kind = KIND
    page = "keys"
    list_display = ("alias", "masked", "state", "expires_at", "created_at")
    fields = (
        "alias", "masked", "state", "has_all_apis", "rate", "per_s", "quota_max", "quota_window_s",
        "expires_at", "tags", "metadata", "previous_masked", "previous_until", "created_at", "updated_at",
    )  # fmt: skip

    @admin.display(description="State")
    def state(self, key: Key) -> str:
        return state_of(key, now=timezone.now())


class PolicyAdmin(OrgModelAdmin):
    kind = ObjectKind.POLICIES
    audit_kind = policies.KIND
    page = "policies"
    list_display = ("name", "is_active", "rate", "quota_max", "created_at")
    fields = (
        "name", "explicit_id", "is_active", "partitions", "rate", "per_s", "quota_max", "quota_window_s",
        "key_expires_in_s", "tags", "metadata", "extra", "created_at", "updated_at",
    )  # fmt: skip

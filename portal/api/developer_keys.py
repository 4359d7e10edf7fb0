"""The keys of a developer. Each is named by its hash, or as keys are elsewhere, and must be this developer's."""

from typing import Any

import msgspec

from keys import finding
from keys import services as keys
from keys.models import Key
from orgs.machines import Answer, Call, Refusal, not_found, ok, operation
from orgs.machines.answers import Envelope
from portal.api.developers import WRITE, found
from portal.models import KeyRequest
from portal.services import applications

MISSING = "Could not retrieve key detail."
QUOTA_RESET = "Quota reset"


class Policies(msgspec.Struct):
    apply_policies: list[str]


def find_request(call: Call[Any, Any], dev: str, key: str) -> KeyRequest:
    """Return the request by which this developer has the key."""
    developer = found(call, dev)
    meant = finding.find_by_reference(key, by_hash=True) or finding.find_by_reference(key)
    if meant is None:
        raise not_found(MISSING)
    owned = KeyRequest.objects.filter(application__developer=developer, key=meant).select_related("key").first()
    if owned is None:
        raise not_found(MISSING)
    return owned


def find_key(call: Call[Any, Any], dev: str, key: str) -> Key:
    owned = find_request(call, dev, key).key
    assert owned is not None  # noqa: S101 - it was found by its key
    return owned


@operation(
    "PUT", "/api/portal/developers/{dev}/keys/{key}", "Change which policies a developer's key applies", access=WRITE,
    body=Policies, answers=Envelope, refusals=(404,),
)  # fmt: skip
def update_developer_key(call: Call[Any, Policies], dev: str, key: str) -> Answer:
    saved = find_key(call, dev, key)
    if not call.body.apply_policies:
        raise Refusal(400, "apply_policies: name at least one; to take them all away, revoke the key.")
    keys.update_key(key=saved, revision=saved.revision, policies=call.body.apply_policies)
    return ok("Data updated")


@operation(
    "DELETE", "/api/portal/developers/{dev}/keys/{key}", "Revoke a developer's key", access=WRITE, answers=Envelope,
    refusals=(404,),
)  # fmt: skip
def delete_developer_key(call: Call[Any, None], dev: str, key: str) -> Answer:
    """Its plan can then be asked for anew."""
    applications.end_key(asked=find_request(call, dev, key), action="ended")
    return ok("Key deleted successfully.")


@operation(
    "PUT", "/api/portal/developers/{dev}/keys/{key}/reset_quota", "Begin the quota of a developer's key anew",
    access=WRITE, answers=Envelope, refusals=(404,),
)  # fmt: skip
def reset_developer_quota(call: Call[Any, None], dev: str, key: str) -> Answer:
    return renewed(call, dev, key)


@operation(
    "POST", "/api/portal/developers/{dev}/keys/{key}/reset_quota", "Begin the quota of a developer's key anew",
    access=WRITE, answers=Envelope, refusals=(404,),
)  # fmt: skip
def reset_developer_quota_by_post(call: Call[Any, None], dev: str, key: str) -> Answer:
    return renewed(call, dev, key)


def renewed(call: Call[Any, None], dev: str, key: str) -> Answer:
    saved = find_key(call, dev, key)
    keys.update_key(key=saved, revision=saved.revision, renews_quota=True)
    return ok(QUOTA_RESET)

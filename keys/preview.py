"""What a key would be, before there is one."""

from dataclasses import replace
from typing import Any

from django.db import transaction

from keys import services, session
from keys.errors import BadSetting
from keys.merging import MergedAccess
from keys.models import Key
from keys.policies import rights as policy_rights
from keys.rights import specs_of
from keys.session import Access
from keys.wire import SessionSettings


def preview(settings: SessionSettings) -> dict[str, Any]:
    """Return the session of the key that these settings would make, with what its policies make of it.

    It is made and undone, so that nothing is judged here in another way. Raises what `create_key` does.
    """
    with transaction.atomic():
        key, _ = services.create_key(**settings)
        document = _merged(key)
        transaction.set_rollback(True)
    return document


def _merged(key: Key) -> dict[str, Any]:
    (spec,) = specs_of([key])
    if policies := policy_rights.policies_of(key):
        merged = policy_rights.merged(policies, key)
        if merged.refusal:
            raise BadSetting(f"Policies: {merged.refusal}")
        opened = tuple(map(_access, merged.opened))
        spec = replace(spec, accesses=opened, tags=merged.tags, metadata=merged.metadata)
    return session.document(spec)


def _access(access: MergedAccess) -> Access:
    depth = {"max_query_depth": access.max_query_depth} if access.max_query_depth else {}
    return Access(
        api_id=access.api_id,
        api_name=access.api_name,
        versions=access.versions,
        allowed_urls=access.allowed_urls,
        limit=replace(access.limit, extra=depth),
        extra={"allowance_scope": access.counted_by},
    )

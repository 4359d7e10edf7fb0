"""The demo's keys: named as people name them, and in every state that a key can be in."""

from datetime import datetime, timedelta
from random import Random
from typing import Any

from django.utils import timezone

from apis.models import Api
from dashboard.demo.content import DemoOrganisation
from keys import services
from keys.models import Key, Policy
from keys.paths import AllowedUrl
from keys.rights import ApiAccess
from keys.settings import KeySettings

DAY = timedelta(days=1)
ALIASES = (
    "{client}", "{client} {env}", "{client}-{env}", "{client} ({env})", "{client} v2", "NEW {client}",
    "{client} - temporary", "old {client}", "{client} / {name}", "{env}: {client}",
)  # fmt: skip
# A key's place in each turn of IN_TURN decides its fate; the rest are in use and do not expire.
EXPIRING, EXPIRED, DISABLED, REVOKED, IN_GRACE, ALL_APIS, LASTING = 3, 7, 11, 15, 19, 23, 5
IN_TURN = 24
EVERY_WITH_PLAN = 5
LIMITS: tuple[tuple[float, float], ...] = ((0, 0), (10, 1), (100, 1), (600, 60), (5000, 3600))
QUOTAS = ((-1, 3600), (10_000, 86_400), (1_000_000, 2_592_000))


def make_key(demo: DemoOrganisation, number: int, apis: list[Api], policies: list[Policy], names: list[str]) -> Key:
    random = Random(f"{demo.slug} {number}")  # noqa: S311 - names and numbers, no secret
    settings = settings_of(demo, number, apis, names, random)
    if number % EVERY_WITH_PLAN == 0:
        settings |= on_a_plan(settings["tags"][0], policies, random)
    key, _ = services.create_key(**settings)
    return meet_fate(key, number % IN_TURN)


def settings_of(demo: DemoOrganisation, number: int, apis: list[Api], names: list[str], random: Random) -> KeySettings:
    environment, client = random.choice(demo.environments), random.choice(demo.clients)
    alias = random.choice(ALIASES).format(client=client, env=environment, name=random.choice(names))
    rate, per_s = random.choice(LIMITS)
    quota_max, quota_window_s = random.choice(QUOTAS)
    opens_all = number % IN_TURN == ALL_APIS
    return KeySettings(
        alias=alias,
        has_all_apis=opens_all,
        accesses=() if opens_all else accesses(environment, apis, random),
        rate=rate,
        per_s=per_s,
        quota_max=quota_max,
        quota_window_s=quota_window_s,
        expires_at=expiry(number % IN_TURN, random),
        tags=[environment, *random.sample(("partner", "internal", "mobile", "batch", "pilot"), number % 3)],
        metadata=metadata(number, random),
    )


def on_a_plan(environment: str, policies: list[Policy], random: Random) -> KeySettings:
    """A plan gives access and limits; the limit of the night batch comes on top of some."""
    plans = [policy for policy in policies if environment in policy.tags]
    limits = [policies[-1]] if random.random() < 0.3 else []
    chosen = [random.choice(plans), *limits]
    return KeySettings(policies=[policy.id for policy in chosen], accesses=(), has_all_apis=False)


def accesses(environment: str, apis: list[Api], random: Random) -> list[ApiAccess]:
    own = [api for api in apis if environment in api.tags]
    chosen = random.sample(own, min(len(own), random.choice((1, 1, 2, 3, 5))))
    reading = (AllowedUrl(r"^/[0-9]+$", ("GET", "HEAD")),)
    return [ApiAccess(api.id, allowed_urls=reading if random.random() < 0.2 else ()) for api in chosen]


def expiry(place: int, random: Random) -> datetime | None:
    """An expired key is one that had a second to live: a key with an expiry in the past cannot be made."""
    lives = {
        EXPIRING: DAY * random.randint(2, 28),
        EXPIRED: timedelta(seconds=1),
        LASTING: DAY * random.randint(90, 700),
    }
    return timezone.now() + lives[place] if place in lives else None


def metadata(number: int, random: Random) -> dict[str, Any]:
    if number % 4:
        return {}
    return {"ticket": f"PLAT-{random.randint(1000, 9999)}", "cost_centre": random.choice((4100, 4200, 7310))}


def meet_fate(key: Key, place: int) -> Key:
    if place == DISABLED:
        return services.disable_key(key=key)
    if place == REVOKED:
        return services.revoke_key(key=key)
    if place == IN_GRACE:
        return services.rotate_key(key=key, revision=key.revision, grace=7 * DAY)[0]
    return key


def raise_limits(keys: list[Key]) -> None:
    """Change every ninth key that can be changed, so that there is something to see in its history."""
    for key in keys[::9]:
        if key.revoked_at is None:
            services.update_key(key=key, revision=key.revision, rate=1000, per_s=60)

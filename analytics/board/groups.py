"""The groups of the board: what puts a key into each, in words, and where the bounds are."""

from dataclasses import dataclass
from datetime import timedelta

from analytics.quotas import NEAR
from keys.states import EXPIRING_WITHIN

IDLE = timedelta(days=90)
# A key that was made a moment ago has had no time to be used.
GRACE = timedelta(days=7)
WIDE = 10  # APIs
LEAST_USED = 4  # it has used fewer than one in so many of those that it opens


@dataclass(frozen=True)
class Group:
    """`label` is for a tab; `means` says which keys are in it, `advice` what to do with them."""

    name: str
    label: str
    title: str
    means: str
    advice: str


EXPIRING = Group(
    "expiring",
    "Expiring",
    f"Expiring within {EXPIRING_WITHIN.days} days",
    "These keys stop working soon.",
    "Give a key that is still needed a later expiry, or tell who calls with it.",
)
QUOTA = Group(
    "quota",
    "Near quota",
    "Near their quota",
    f"These keys have used {NEAR}% of their quota or more in the window that runs, as gateways count it.",
    "When it is used up, their requests are refused: raise it, or ask why there are so many.",
)
UNUSED = Group(
    "unused",
    "Unused",
    f"Unused for {IDLE.days} days",
    f"These keys were used, but not in the last {IDLE.days} days, nor was the secret that a rotation replaced.",
    "Disable those that nobody misses, and revoke them later.",
)
NEVER = Group(
    "never",
    "Never used",
    "Never used",
    f"These keys are older than {GRACE.days} days, and no request has ever come with them, nor with the secret that a"
    " rotation replaced.",
    "Ask whoever asked for them, and revoke what is not needed.",
)
BROAD = Group(
    "broad",
    "Broad",
    "Opening more than they use",
    f"These keys open all APIs, also those that are yet to come; or they open {WIDE} or more, are older than"
    f" {GRACE.days} days, and were used at fewer than a quarter of them in the last {IDLE.days} days. Of a key with"
    " policies, the policy counts that opens the most. Rates, quotas and expiry do not matter here.",
    "Name the APIs that such a key needs.",
)
GROUPS = (EXPIRING, QUOTA, UNUSED, NEVER, BROAD)
BY_NAME = {group.name: group for group in GROUPS}

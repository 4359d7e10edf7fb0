"""What a node has of an API or a policy, in words. No Django here."""

from dataclasses import dataclass
from enum import StrEnum

# What a node was given is older than what is remembered of it.
OLDER = -1


class Standing(StrEnum):
    """The values are the classes of their badges."""

    CURRENT = "current"
    BEHIND = "behind"
    WAITING = "waiting"
    FAULTY = "faulty"
    OFF = "off"


LABELS = {
    Standing.CURRENT: "up to date",
    Standing.BEHIND: "behind",
    Standing.WAITING: "waiting",
    Standing.FAULTY: "faulty",
    Standing.OFF: "not served",
}


@dataclass(frozen=True)
class Compared:
    """One API or policy on one node. A revision of 0 is none.

    `held` is what the node has (or OLDER), `wanted` what it should have. `stored` is the newest revision there is,
    `built` the one that gateways are given. `is_newest` says that the node has been given what there is to give.
    """

    kind: str
    id: str
    name: str
    stored: int
    built: int
    held: int
    wanted: int
    fault: str
    is_active: bool
    is_off: bool
    fits: bool
    has_fetched: bool
    is_newest: bool
    is_behind: bool

    @property
    def standing(self) -> Standing:
        if self.is_faulty:
            return Standing.FAULTY
        if self.is_behind:
            return Standing.WAITING if self.is_unbuilt and not self.held else Standing.BEHIND
        return Standing.CURRENT if self.wanted else Standing.OFF

    @property
    def is_faulty(self) -> bool:
        return self.stored > 0 and self.fault != "" and self.built == self.stored and not self.is_off

    @property
    def is_unbuilt(self) -> bool:
        return self.wanted > 0 and self.built < self.stored

    @property
    def label(self) -> str:
        return LABELS[self.standing]

    @property
    def on_node(self) -> str:
        return {0: "none", OLDER: "an older one"}.get(self.held, f"{self.held:,}")

    @property
    def in_store(self) -> str:
        return f"{self.stored:,}" if self.stored else "deleted"

    @property
    def sentence(self) -> str:
        """Why it stands so; nothing where it is as it should be."""
        reason = self._reason
        if self.held and not self.wanted:
            return f"{reason} It is still on the node."
        return reason

    @property
    def _reason(self) -> str:
        if not self.stored:
            return "It has been deleted."
        if self.is_off:
            return "Gateways may serve nothing of the organisation now."
        if self.is_faulty:
            return f"Gateways do not get it: {self.fault}"
        if not self.is_active:
            return "It is inactive."
        if not self.fits:
            return "It has none of the group's tags."
        return self._why_behind if self.is_behind else ""

    @property
    def _why_behind(self) -> str:
        if self.is_unbuilt:
            return "The newest revision is still being prepared for gateways."
        if not self.has_fetched:
            return "The node has not fetched anything yet."
        if not self.held:
            return "The node has not fetched it yet."
        if self.held == self.stored:
            return "It was prepared anew since the node fetched it."
        return "The node has not fetched the newest revision yet."

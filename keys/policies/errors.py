"""Why a service of policies refuses; `keys.errors` has what keys and policies share."""

from collections.abc import Sequence

from apis.jsontext import Problem
from keys.errors import BadSetting, KeyRefused


class BadPolicy(BadSetting):
    """A policy's JSON that cannot be taken; `problems` says why, each with its place in the JSON."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(" ".join(map(str, problems)))
        self.problems = list(problems)


class NameTaken(KeyRefused):
    """Another policy of the organisation has the name."""


class IdTaken(KeyRefused):
    """Another policy of the organisation has the id, or the one that was chosen beside ours."""

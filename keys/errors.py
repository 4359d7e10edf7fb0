"""Why a service refuses, each with a sentence for the person who asked; `keys.session` has more."""

from apis.jsontext import Problem

MISSING_API = "APIs: one of the chosen APIs does not exist. Choose again."
MISSING_POLICY = "Policies: one of the chosen policies does not exist. Choose again."


class KeyRefused(ValueError):
    """A change of a key that is not made."""


class BadSetting(KeyRefused):
    """An alias, tag, expiry or metadata that cannot be kept."""


class BadSession(BadSetting):
    """A session object that cannot be taken; `problems` says why, each with its place in the JSON."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(" ".join(map(str, problems)))
        self.problems = problems


class NoSuch(KeyRefused):
    """Something that the organisation does not have, whether or not another one does."""


class NoSuchApi(NoSuch):
    """An API or version that the organisation does not have."""


class NoSuchPolicy(NoSuch):
    """A policy that the organisation does not have."""


class NoSuchCertificate(NoSuch):
    """A certificate that the organisation does not have."""


class NoSuchClient(NoSuch):
    """An OAuth client that the organisation does not have."""


class NoSuchTag(NoSuch):
    """A tag that gateways give to what is another organisation's."""


class NoSuchOrganisation(NoSuch):
    """An organisation that is not the one of the key or policy."""

    def __init__(self, message: str = "org_id is not this organisation's: leave it out.") -> None:
        super().__init__(message)


class Revoked(KeyRefused):
    """The key is revoked, which is for good."""


class AlreadyCreated(KeyRefused):
    """The form that made this key was sent again."""


class SameId(KeyRefused):
    """Another key of the organisation has the id that was chosen for this one."""


class ChangedMeanwhile(KeyRefused):
    """Somebody saved the key after the form was made."""

"""Why a service refuses, each with a sentence for the person who asked; `keys.session` has more."""


class KeyRefused(ValueError):
    """A change of a key that is not made."""


class BadSetting(KeyRefused):
    """An alias, tag, expiry or metadata that cannot be kept."""


class NoSuchApi(KeyRefused):
    """An API or version that the organisation does not have."""


class Revoked(KeyRefused):
    """The key is revoked, which is for good."""


class AlreadyCreated(KeyRefused):
    """The form that made this key was sent again."""


class ChangedMeanwhile(KeyRefused):
    """Somebody saved the key after the form was made."""

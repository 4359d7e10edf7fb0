"""Why a service refuses; the text is a sentence for whoever asked."""


class Refused(Exception):
    """Nothing was changed."""


class EmailTaken(Refused):
    pass


class NameTaken(Refused):
    pass


class BeyondRights(Refused):
    """The actor would grant what they do not hold, or act on somebody who holds more."""


class LastAdministrator(Refused):
    pass


class WeakPassword(Refused):
    pass


class WrongPassword(Refused):
    pass


class SignInRefused(Refused):
    pass


class InvitationGone(Refused):
    """Used, revoked, expired or never made: the same to whoever holds the link."""


class Gone(Refused):
    pass


class BegunAlready(Refused):
    """The same to everybody, whatever they sent."""


class MailRefused(Refused):
    """It is not waiting, or has nothing left to say."""

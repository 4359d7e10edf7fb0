"""What the services' refusals are to a machine: the status, and their own sentence."""

from orgs.machines import Refusal
from orgs.services import OrganisationRefused
from users.services import errors as users

STATUSES: dict[type[Exception], int] = {
    OrganisationRefused: 400,
    users.EmailTaken: 403,
    users.NameTaken: 400,
    users.BeyondRights: 403,
    users.LastAdministrator: 403,
    users.Gone: 404,
    users.Refused: 400,
}


def refusal_of(error: Exception) -> Refusal | None:
    """Return the refusal that this exception of a service is; None for what nobody foresaw."""
    for kind in type(error).__mro__:
        if kind in STATUSES:
            return Refusal(STATUSES[kind], str(error))
    return None

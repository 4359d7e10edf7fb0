"""What the services' refusals are to a machine: the status, and their own sentence."""

from apis.certificates.reading import CertificateError
from apis.certificates.services import CertificateExists, CertificateInUse
from apis.definition import DefinitionError
from apis.jsontext import TextError
from apis.oauth_clients.checking import OAuthClientError
from apis.openapi import OpenAPIError
from apis.services import errors as apis
from apis.webhooks.checking import WebhookError
from keys import errors as keys
from keys import session
from keys.paths import BadAllowedUrl
from keys.policies import errors as policies
from orgs import services as organisations
from orgs.domains.services import DomainRefused
from orgs.machines import Refusal
from portal.services import requests
from users.services import errors as users

# The nearest class of an exception decides.
STATUSES: dict[type[Exception], int] = {
    organisations.OrganisationRefused: 400,
    organisations.OrganisationExists: 403,
    organisations.OrganisationGone: 404,
    organisations.OwnsThings: 409,
    DomainRefused: 400,
    users.Refused: 400,
    users.BegunAlready: 403,
    users.EmailTaken: 403,
    users.BeyondRights: 403,
    users.LastAdministrator: 403,
    users.Gone: 404,
    requests.AskedAlready: 409,
    requests.DecidedAlready: 409,
    requests.HasKey: 409,
    DefinitionError: 400,
    OpenAPIError: 400,
    TextError: 400,
    apis.ListenPathTaken: 400,
    apis.SameApiId: 409,
    apis.ApiIdTaken: 400,
    apis.NamedAsVersion: 409,
    apis.OtherKind: 400,
    apis.UnknownOwner: 404,
    apis.ChangedMeanwhile: 412,
    CertificateError: 400,
    CertificateExists: 403,
    CertificateInUse: 409,
    WebhookError: 400,
    OAuthClientError: 400,
    keys.KeyRefused: 400,
    keys.NoSuch: 404,
    keys.NoSuchOrganisation: 400,
    keys.Revoked: 404,
    keys.AlreadyCreated: 409,
    keys.SameId: 409,
    keys.ChangedMeanwhile: 412,
    policies.IdTaken: 409,
    session.SessionError: 400,
    session.ForeignApi: 404,
    BadAllowedUrl: 400,
}


def refusal_of(error: Exception) -> Refusal | None:
    """Return the refusal that this exception of a service is; None for what nobody foresaw."""
    for kind in type(error).__mro__:
        if kind in STATUSES:
            return Refusal(STATUSES[kind], str(error))
    return None

"""What changes certificates. Each function is one transaction with its audit line, in the open scope."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import models, transaction
from django.db.models.functions import Cast
from django.utils import timezone

from apis.certificates import reading
from apis.certificates.reading import CertificateError
from apis.jsontext import Problem, dotted
from apis.models import Api, Certificate
from apis.rules import RawDefinition, certificate_ids
from orgs import audit, scope, sealing
from orgs.display import when
from orgs.unique import unless_taken

KIND = "certificates"
MOST_NAMED, MOST_USES = 5, 100


class CertificateExists(CertificateError):
    def __init__(self) -> None:
        super().__init__("Certificate with this id already exists.")


@dataclass(frozen=True)
class Uses:
    """The APIs and keys that name a certificate, as (id, name); at most MOST_USES of each."""

    apis: list[tuple[str, str]]
    keys: list[tuple[str, str]]

    def __bool__(self) -> bool:
        return bool(self.apis or self.keys)


class CertificateInUse(CertificateError):
    """Names what uses it."""

    def __init__(self, uses: Uses) -> None:
        names = [f"the API “{name}”" for _, name in uses.apis] + [f"the key “{name}”" for _, name in uses.keys]
        more = " and others" if len(names) > MOST_NAMED else ""
        super().__init__(f"The certificate is in use by {', '.join(names[:MOST_NAMED])}{more}.")
        self.uses = uses


def add_certificate(*, pem: bytes, now: datetime | None = None) -> Certificate:
    """Store what is in a PEM file, its private key encrypted. Raises CertificateError."""
    read = reading.read(pem, now=now or timezone.now())
    certificate = Certificate(
        fingerprint=read.fingerprint,
        pem=read.pem,
        sealed=sealing.seal(read.private_key) if read.private_key else "",
        subject=read.subject,
        issuer=read.issuer,
        dns_names=list(read.dns_names),
        not_before=read.not_before,
        not_after=read.not_after,
    )
    with unless_taken(CertificateExists(), "certificates_fingerprint"):
        certificate.save(force_insert=True)
    audit.record("created", kind=KIND, obj=certificate, changes=_facts(certificate))
    return certificate


@transaction.atomic
def delete_certificate(*, certificate: Certificate) -> None:
    """Raises CertificateInUse while an API or a key names it."""
    if uses := uses_of(certificate):
        raise CertificateInUse(uses)
    audit.record("deleted", kind=KIND, obj=certificate)
    certificate.delete()


def uses_of(certificate: Certificate) -> Uses:
    """Definitions name it in several places, so their text is searched; keys reach back to the APIs."""
    apis = Api.objects.filter(definition__contains=certificate.fingerprint)
    keys: models.QuerySet[Any] = Api.keys.rel.related_model._default_manager.filter(revoked_at=None)
    naming = keys.annotate(text=Cast("extra", models.TextField())).filter(text__contains=certificate.fingerprint)
    return Uses(
        apis=list(apis.values_list("pk", "name")[:MOST_USES]),
        keys=list(naming.values_list("pk", "alias")[:MOST_USES]),
    )


def missing_certificates(definition: RawDefinition) -> list[Problem]:
    """Return a problem for each certificate that the organisation does not have; types have been checked before."""
    named = [(path, id) for path, id in certificate_ids(definition) if id]
    if not named:
        return []  # as most definitions
    org_id = scope.current_organisation_id()
    asked = Certificate.objects.filter(fingerprint__in={id.removeprefix(org_id) for _, id in named})
    own = {f"{org_id}{fingerprint}" for fingerprint in asked.values_list("fingerprint", flat=True)}
    return [
        Problem(f"{dotted(path)} must be the id of a certificate of this organisation.", path)
        for path, id in named
        if id not in own
    ]


def _facts(certificate: Certificate) -> dict[str, Any]:
    return {
        "expires": [None, when(certificate.not_after)],
        "private key": [None, bool(certificate.sealed)],
    }

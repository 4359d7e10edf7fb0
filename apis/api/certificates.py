"""Certificates, as gateways describe them; a private key is never told. Each is found by organisation and SHA-256."""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from cryptography import x509
from cryptography.x509.oid import NameOID
from django.core.exceptions import SuspiciousOperation
from django.db.models import QuerySet
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParserError

from apis.certificates import services
from apis.certificates.reading import UNREADABLE
from apis.models import Certificate
from apis.wire import moment
from orgs.ids import is_id
from orgs.machines import Answer, Call, Paged, Refusal, Streamed, find, not_found, operation, page_of
from orgs.machines.lists import sorted_by
from orgs.permissions import Level, ObjectKind
from orgs.wire import NO_TIME

READ, WRITE = (ObjectKind.CERTIFICATES, Level.READ), (ObjectKind.CERTIFICATES, Level.WRITE)
MISSING = "Could not retrieve certificate details. Certificate with given SHA256 fingerprint not found."
SORTS = {"": "-created_at", "created_at": "created_at"}
FILE = {
    "type": "object",
    "description": "One file, in a field of any name: a certificate in PEM form, with its private key or without.",
    "additionalProperties": {"type": "string", "contentMediaType": "application/octet-stream"},
}


class CertificateQuery(Paged):
    """`mode` is empty, for the ids alone, or detailed; `filter` omit, with_pk or without_pk."""

    mode: str = ""
    filter: str = ""


class NamePart(msgspec.Struct, rename="pascal"):
    """One attribute of a name, by the numbers of its kind."""

    type: list[int]
    value: str


class Name(msgspec.Struct, rename="pascal"):
    country: list[str] | None
    organization: list[str] | None
    organizational_unit: list[str] | None
    locality: list[str] | None
    province: list[str] | None
    street_address: list[str] | None
    postal_code: list[str] | None
    serial_number: str
    common_name: str
    names: list[NamePart]
    extra_names: None = None


class CertificateBasics(msgspec.Struct):
    """A public key to pin has no names, and the first moment of all for its dates."""

    id: str
    issuer_cn: str
    subject_cn: str
    dns_names: list[str]
    has_private: bool
    not_before: str
    not_after: str
    is_ca: bool


class CertificateDetails(msgspec.Struct):
    id: str
    fingerprint: str
    has_private: bool
    issuer: Name
    subject: Name
    not_before: str
    not_after: str
    dns_names: list[str]
    is_ca: bool


class DetailedList(msgspec.Struct):
    certificates: list[CertificateDetails]
    pages: int


class CertificateList(msgspec.Struct, omit_defaults=True):
    """`certs`, or `cert_basics` where the mode is detailed."""

    pages: int
    certs: list[str] = []
    cert_basics: list[CertificateBasics] = []


class Added(msgspec.Struct):
    id: str
    status: str
    message: str


class Removed(msgspec.Struct):
    status: str
    message: str


def name_of(text: str) -> Name:
    """Read a name as it is stored; what is too long to have been stored whole is all common name."""
    try:
        parts = [(each.oid, str(each.value)) for each in x509.Name.from_rfc4514_string(text)]
    except ValueError:
        parts = [(NameOID.COMMON_NAME, text)]
    by_kind: dict[x509.ObjectIdentifier, list[str]] = {}
    for oid, value in parts:
        by_kind.setdefault(oid, []).append(value)
    return Name(
        country=by_kind.get(NameOID.COUNTRY_NAME),
        organization=by_kind.get(NameOID.ORGANIZATION_NAME),
        organizational_unit=by_kind.get(NameOID.ORGANIZATIONAL_UNIT_NAME),
        locality=by_kind.get(NameOID.LOCALITY_NAME),
        province=by_kind.get(NameOID.STATE_OR_PROVINCE_NAME),
        street_address=by_kind.get(NameOID.STREET_ADDRESS),
        postal_code=by_kind.get(NameOID.POSTAL_CODE),
        serial_number=by_kind.get(NameOID.SERIAL_NUMBER, [""])[0],
        common_name=by_kind.get(NameOID.COMMON_NAME, [""])[-1],
        names=[NamePart([int(number) for number in oid.dotted_string.split(".")], value) for oid, value in parts],
    )


def is_authority(pem: str) -> bool:
    try:
        certificate = x509.load_pem_x509_certificate(pem.encode())
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (*UNREADABLE, x509.ExtensionNotFound):
        return False  # or no certificate but a public key


def basics(certificate: Certificate) -> CertificateBasics:
    return CertificateBasics(
        id=certificate.certificate_id,
        issuer_cn=name_of(certificate.issuer).common_name,
        subject_cn=name_of(certificate.subject).common_name,
        dns_names=certificate.dns_names,
        has_private=bool(certificate.sealed),
        not_before=moment(certificate.not_before) if certificate.not_before else NO_TIME,
        not_after=moment(certificate.not_after) if certificate.not_after else NO_TIME,
        is_ca=is_authority(certificate.pem),
    )


def details(certificate: Certificate) -> CertificateDetails:
    known = basics(certificate)
    return CertificateDetails(
        id=known.id,
        fingerprint=certificate.fingerprint,
        has_private=known.has_private,
        issuer=name_of(certificate.issuer),
        subject=name_of(certificate.subject),
        not_before=known.not_before,
        not_after=known.not_after,
        dns_names=known.dns_names,
        is_ca=known.is_ca,
    )


def ids(certificates: Iterable[Certificate]) -> Iterator[bytes]:
    return (msgspec.json.encode(certificate.certificate_id) for certificate in certificates)


def all_basics(certificates: Iterable[Certificate]) -> Iterator[bytes]:
    return (msgspec.json.encode(basics(certificate)) for certificate in certificates)


def all_details(certificates: Iterable[Certificate]) -> Iterator[bytes]:
    return (msgspec.json.encode(details(certificate)) for certificate in certificates)


def found(call: Call[Any, Any], id: str) -> Certificate:
    """Return the certificate by the id that gateways have, or by ours, which stands in the addresses of pages."""
    if is_id(id):
        return find(call, Certificate.objects.all(), MISSING, pk=id)
    organisation_id, fingerprint = id[:24], id[24:]
    if not is_id(organisation_id):
        raise not_found(MISSING)
    return find(call, Certificate.objects.all(), MISSING, organisation_id=organisation_id, fingerprint=fingerprint)


def listed(call: Call[CertificateQuery, None]) -> "QuerySet[Certificate]":
    rows = Certificate.objects.all()
    if call.query.filter in ("with_pk", "without_pk"):
        without = rows.filter(sealed="")
        rows = without if call.query.filter == "without_pk" else rows.exclude(sealed="")
    return sorted_by(rows, call.query.sort, SORTS)


@operation("GET", "/api/certs", "The certificates", access=READ, query=CertificateQuery, answers=CertificateList)
def list_certificates(call: Call[CertificateQuery, None]) -> Answer | Streamed:
    if call.query.mode == "detailed":
        return page_of(call, listed(call), all_basics, name="cert_basics")
    return page_of(call, listed(call), ids, name="certs")


@operation(
    "GET", "/api/certs/details", "All about the certificates", access=READ, query=CertificateQuery,
    answers=DetailedList,
)  # fmt: skip
def list_certificate_details(call: Call[CertificateQuery, None]) -> Answer | Streamed:
    return page_of(call, listed(call), all_details, name="certificates")


@operation("GET", "/api/certs/{id}", "A certificate", access=READ, answers=CertificateDetails, refusals=(404,))
def get_certificate(call: Call[Any, None], id: str) -> CertificateDetails:
    return details(found(call, id))


@operation(
    "POST", "/api/certs", "Add a certificate", access=WRITE, body=FILE, answers=Added,
    body_types=("multipart/form-data", "application/x-pem-file"),
)  # fmt: skip
def add_certificate(call: Call[Any, bytes]) -> Added:
    """The first file of a form is taken; a body that is no form is the file itself."""
    certificate = services.add_certificate(pem=file_of(call.request))
    return Added(certificate.certificate_id, "ok", "Certificate added")


def file_of(request: HttpRequest) -> bytes:
    if request.content_type != "multipart/form-data":
        return request.body
    try:
        file = next(iter(request.FILES.values()), None)
    except (MultiPartParserError, SuspiciousOperation) as error:
        raise Refusal(400, "Request body malformed: this is not a form with a file.") from error
    if file is None:
        raise Refusal(400, "The form has no file.")
    data: bytes = file.read()  # type: ignore[union-attr]
    return data


@operation("DELETE", "/api/certs/{id}", "Delete a certificate", access=WRITE, answers=Removed, refusals=(404, 409))
def delete_certificate(call: Call[Any, None], id: str) -> Removed:
    services.delete_certificate(certificate=found(call, id))
    return Removed("ok", "removed")

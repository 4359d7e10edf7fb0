"""What is in a PEM file: a certificate with its chain and perhaps its private key, or one public key to pin.

Refused is what a gateway would refuse too, so that what is stored can be sent to one.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
    load_der_public_key,
)

MAX_BYTES = 100_000
MAX_KEY_BYTES = 2_500  # of DER, as RSA of 4,096 bits has: checking one twice as long takes seconds
MAX_NAME, MAX_DNS_NAME = 1_000, 253
EXPIRING_WITHIN_DAYS = 30
BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]{1,40})-----((?:(?!-----).)*)-----END \1-----", re.DOTALL)
TAKEN = {
    *("CERTIFICATE", "PUBLIC KEY", "PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"),
    "EC PARAMETERS",  # openssl writes them before a key, which says them again
}
UNREADABLE = (ValueError, TypeError, UnsupportedAlgorithm, x509.DuplicateExtension)


class CertificateError(ValueError):
    """Why a certificate is not taken, or not deleted, as a sentence."""


@dataclass(frozen=True)
class Reading:
    """`fingerprint` is the SHA-256 of the first certificate's DER, or of the public key's, as gateways count it.

    `pem` is the public part, written anew; a public key has no subject and no dates.
    """

    fingerprint: str
    pem: str
    private_key: str = field(default="", repr=False)
    subject: str = ""
    issuer: str = ""
    dns_names: tuple[str, ...] = ()
    not_before: datetime | None = None
    not_after: datetime | None = None


def read(data: bytes, *, now: datetime) -> Reading:
    """Raises CertificateError."""
    if len(data) > MAX_BYTES:
        raise CertificateError(f"The file is larger than {MAX_BYTES // 1_000} kB.")
    chain, public_keys, private_keys = _sorted(list(_blocks(data)))
    if public_keys:
        if chain or private_keys or len(public_keys) > 1:
            raise CertificateError("A public key to pin must be alone in its file.")
        return _of_public_key(public_keys[0])
    if not chain and private_keys:
        raise CertificateError("This is a private key without its certificate: both must be in the file.")
    if not chain:
        raise CertificateError("No certificate in PEM form was found: it begins with “-----BEGIN CERTIFICATE-----”.")
    if len(private_keys) > 1:
        raise CertificateError("The file has more than one private key.")
    return _of_chain(chain, private_keys, now)


def state_at(now: datetime, *, not_before: datetime | None, not_after: datetime | None) -> tuple[str, str]:
    """Return the badge of a certificate and what it says."""
    if not_after is None:
        return "inactive", "public key"
    days = (not_after - now).days
    if not_after <= now:
        return "expired", "expired"
    if not_before and not_before > now:
        return "expiring", "not valid yet"
    if days >= EXPIRING_WITHIN_DAYS:
        return "active", "valid"
    return "expiring", "expires today" if not days else f"expires in {days} {'day' if days == 1 else 'days'}"


def _blocks(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the label and the DER of each block; text between blocks says nothing."""
    for number, (label, body) in enumerate(BLOCK.findall(data), 1):
        if b"ENCRYPTED" in label + body:
            raise CertificateError("The private key is encrypted: decrypt it first. It is encrypted here anew.")
        try:
            yield label.decode(), base64.b64decode(b"".join(body.split()), validate=True)
        except binascii.Error:
            raise CertificateError(f"Block {number} of the file is damaged: it is not base64.") from None


def _sorted(blocks: list[tuple[str, bytes]]) -> tuple[list[bytes], list[bytes], list[bytes]]:
    """Return certificates, public keys and private keys."""
    for label in {label for label, _ in blocks} - TAKEN:
        raise CertificateError(f"The file has a “{label}”, which gateways do not take.")
    return (
        [der for label, der in blocks if label == "CERTIFICATE"],
        [der for label, der in blocks if label == "PUBLIC KEY"],
        [der for label, der in blocks if label.endswith("PRIVATE KEY")],
    )


def _of_public_key(der: bytes) -> Reading:
    try:
        load_der_public_key(der)
    except UNREADABLE:
        raise CertificateError("The public key cannot be read.") from None
    return Reading(fingerprint=_sha256(der), pem=_pem("PUBLIC KEY", der))


def _of_chain(chain: list[bytes], private_keys: list[bytes], now: datetime) -> Reading:
    certificates = [_certificate(der, number, now) for number, der in enumerate(chain, 1)]
    leaf = certificates[0]
    try:
        subject, issuer = leaf.subject.rfc4514_string(), leaf.issuer.rfc4514_string()
        dns_names = _dns_names(leaf)
    except UNREADABLE:
        raise CertificateError("The names in the certificate cannot be read.") from None
    return Reading(
        fingerprint=_sha256(chain[0]),
        pem="".join(_pem("CERTIFICATE", der) for der in chain),
        private_key=_private_key(private_keys[0], leaf) if private_keys else "",
        subject=subject[:MAX_NAME],
        issuer=issuer[:MAX_NAME],
        dns_names=dns_names,
        not_before=leaf.not_valid_before_utc,
        not_after=leaf.not_valid_after_utc,
    )


def _certificate(der: bytes, number: int, now: datetime) -> x509.Certificate:
    try:
        certificate = x509.load_der_x509_certificate(der)
        ends = certificate.not_valid_after_utc
    except UNREADABLE:
        raise CertificateError(f"Certificate {number} of the file cannot be read.") from None
    if ends <= now:
        raise CertificateError(f"Certificate {number} of the file has expired, on {ends.astimezone(UTC):%Y-%m-%d}.")
    return certificate


def _dns_names(leaf: x509.Certificate) -> tuple[str, ...]:
    try:
        alternative = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    names = alternative.get_values_for_type(x509.DNSName)
    if any(len(name) > MAX_DNS_NAME or not name.isprintable() for name in names):
        raise ValueError("a DNS name that is none")
    return tuple(dict.fromkeys(names))


def _private_key(der: bytes, leaf: x509.Certificate) -> str:
    """Return the key as PEM, once it is seen to be the certificate's."""
    if len(der) > MAX_KEY_BYTES:
        raise CertificateError("The private key is larger than RSA of 4,096 bits.")
    try:
        key = load_der_private_key(der, password=None)
        belongs = key.public_key() == leaf.public_key()
    except UNREADABLE:
        raise CertificateError("The private key cannot be read.") from None
    if not isinstance(key, RSAPrivateKey | EllipticCurvePrivateKey):
        raise CertificateError("Gateways take private keys of RSA and ECDSA alone.")
    if not belongs:
        raise CertificateError("The private key does not belong to the first certificate of the file.")
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _sha256(der: bytes) -> str:
    return hashlib.sha256(der).hexdigest()


def _pem(label: str, der: bytes) -> str:
    text = base64.b64encode(der).decode()
    lines = [text[at : at + 64] for at in range(0, len(text), 64)]
    return "\n".join((f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""))

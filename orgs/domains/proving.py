"""Whether a host is proven to be whose token it shows: by a record in DNS, or by a file on the host.

Nothing of the database here: what is asked may take its time.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass

import dns.exception
import dns.nameserver
import dns.resolver
from django.conf import settings

from orgs import guard
from orgs.domains.names import RECORD
from orgs.hosts import PROOF_PATH
from orgs.models import Domain

DEADLINE_S, ONE_QUERY_S = 5.0, 2.0
LONGEST_SHOWN, MOST_VALUES = 60, 3
NO_SERVER = "The name server did not answer."
PLACES = (f"https://{{host}}{PROOF_PATH}", f"http://{{host}}{PROOF_PATH}")
SENT = {"User-Agent": "Commonhold-Domains", "Accept": "text/plain"}


@dataclass(frozen=True)
class Look:
    """What was found: how the host is proven, empty where it is not, and then why.

    `has_no_record` and `has_no_file` say that the proof is not there, rather than that it could not be asked for.
    """

    by: str = ""
    fault: str = ""
    has_no_record: bool = False
    has_no_file: bool = False


class NotAnswered(Exception):
    """Nobody said whether there is something; the text is a sentence."""


def record_name(host: str) -> str:
    return f"{RECORD}{host}"


def record_value(token: str) -> str:
    return f"commonhold={token}"


@dataclass(frozen=True)
class Answer:
    """Whether the proof is there, else why not, and whether it is certain that it is not there."""

    is_there: bool = False
    fault: str = ""
    is_certain: bool = False


def look(host: str, token: str, *, with_file: bool) -> Look:
    """Ask for the record, then for the file where one is enough."""
    record = ask_for_record(host, token)
    if record.is_there:
        return Look(by=Domain.ProvenBy.DNS)
    if not with_file:
        return Look(fault=record.fault, has_no_record=record.is_certain, has_no_file=True)
    file = ask_for_file(host, token)
    if file.is_there:
        return Look(by=Domain.ProvenBy.FILE, has_no_record=record.is_certain)
    fault = f"{record.fault} As for the file: {file.fault}"
    return Look(fault=fault, has_no_record=record.is_certain, has_no_file=file.is_certain)


def ask_for_record(host: str, token: str) -> Answer:
    try:
        values = values_at(record_name(host))
    except NotAnswered as unanswered:
        return Answer(fault=str(unanswered))
    if any(hmac.compare_digest(value, record_value(token).encode()) for value in values):
        return Answer(is_there=True)
    if not values:
        return Answer(fault=f"There is no TXT record at {record_name(host)} yet.", is_certain=True)
    found = ", ".join(map(_shortened, values[:MOST_VALUES]))
    return Answer(fault=f"The record there holds another value: {found}.", is_certain=True)


def values_at(name: str) -> Sequence[bytes]:
    """Return the TXT records of a name, asked for now. Raises NotAnswered."""
    try:
        answer = _resolver().resolve(name, "TXT", search=False, lifetime=DEADLINE_S)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return []
    except dns.resolver.LifetimeTimeout:
        raise NotAnswered(NO_SERVER) from None
    except dns.resolver.NoResolverConfiguration:
        raise NotAnswered("This installation knows no name server: whoever runs it has to set DNS_SERVERS.") from None
    except dns.exception.DNSException:
        raise NotAnswered("The name server answered with an error.") from None
    return sorted(b"".join(record.strings) for record in answer)


def _resolver() -> dns.resolver.Resolver:
    """One that remembers nothing, so that each question is asked anew."""
    resolver = dns.resolver.Resolver(configure=not settings.DNS_SERVERS)
    if settings.DNS_SERVERS:
        resolver.nameservers = [dns.nameserver.Do53Nameserver(*server) for server in settings.DNS_SERVERS]
    resolver.timeout = ONE_QUERY_S
    return resolver


def _shortened(value: bytes) -> str:
    text = value.decode("ascii", "backslashreplace")
    text = "".join(letter if letter.isprintable() else "?" for letter in text)
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 1]}…"


def ask_for_file(host: str, token: str) -> Answer:
    fault, is_certain = "", False
    for place in PLACES:
        try:
            status, body = guard.get(place.format(host=host), SENT)
        except (guard.Refused, guard.Failed) as failed:
            fault = fault or str(failed)
            continue
        if status == 200 and hmac.compare_digest(body.strip(), token.encode()):
            return Answer(is_there=True)
        fault = "it holds something else." if status == 200 else f"the host answered {status}."
        is_certain = is_certain or status < 500
    return Answer(fault=fault, is_certain=is_certain)

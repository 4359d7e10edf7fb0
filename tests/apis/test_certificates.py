import base64
import hashlib
import json
import re
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import PrivateFormat, load_pem_private_key
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apis import services as apis
from apis.certificates import reading, services
from apis.certificates.reading import CertificateError, state_at
from apis.models import Certificate
from keys.models import Key
from keys.services import create_key, revoke_key
from orgs import scope, sealing
from orgs.models import AuditEntry, Organisation
from tests.apis.pem import key_pem, public_der, public_pem, self_signed
from tests.apis.test_services import definition
from tests.conftest import World, signed_in, user

NOW = datetime.now(UTC)


def read(*parts: bytes) -> reading.Reading:
    return reading.read(b"".join(parts), now=NOW)


def added(of: Organisation, pem: bytes, **options: Any) -> Certificate:
    with scope.opened(scope.of(of.id)):
        return services.add_certificate(pem=pem, **options)


def stored(of: Organisation) -> list[Certificate]:
    with scope.opened(scope.of(of.id)):
        return list(Certificate.objects.all())


def text_of(response: Any) -> str:
    return str(response.content.decode())


# Reading


def test_the_fingerprint_is_that_of_the_first_certificate() -> None:
    leaf, other = self_signed(), self_signed("ca.example")
    found = read(b"openssl writes this before it\n", leaf.pem, other.pem)
    assert found.fingerprint == hashlib.sha256(leaf.der).hexdigest()
    assert (found.subject, found.issuer) == ("CN=orders.example", "CN=Tests' own")
    assert found.dns_names == ("orders.example", "www.orders.example")
    assert found.pem.encode() == leaf.pem + other.pem
    assert found.private_key == ""


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_the_private_key_comes_with_its_certificate_in_any_order(form: PrivateFormat) -> None:
    leaf = self_signed()
    found = read(key_pem(leaf.key, form=form), leaf.pem)
    again = load_pem_private_key(found.private_key.encode(), None)
    assert again.public_key() == leaf.key.public_key()
    assert "PRIVATE KEY" not in found.pem
    assert found.private_key not in repr(found)


def test_a_public_key_is_taken_to_be_pinned() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    found = read(public_pem(key))
    assert found.fingerprint == hashlib.sha256(public_der(key)).hexdigest()
    assert (found.pem.encode(), found.subject, found.not_after) == (public_pem(key), "", None)


@cache
def refusals() -> dict[str, tuple[bytes, str]]:
    leaf, other, ed = self_signed(), self_signed("other.example"), self_signed(ed=True)
    key = key_pem(leaf.key)
    huge = b"-----BEGIN PRIVATE KEY-----\n%s\n-----END PRIVATE KEY-----" % base64.b64encode(b"0" * 2_501)
    return {
        "nothing": (b"", "No certificate in PEM form was found"),
        "DER": (leaf.der, "No certificate in PEM form was found"),
        "too large": (leaf.pem + b" " * 100_000, "larger than 100 kB"),
        "a key alone": (key, "a private key without its certificate"),
        "another's key": (leaf.pem + key_pem(other.key), "does not belong to the first certificate"),
        "the second's key": (leaf.pem + other.pem + key_pem(other.key), "does not belong to the first certificate"),
        "two keys": (leaf.pem + key + key, "more than one private key"),
        "an encrypted key": (leaf.pem + key_pem(leaf.key, password=b"hunter2"), "encrypted: decrypt it first"),
        "an encrypted key of old": (
            leaf.pem + key_pem(leaf.key, password=b"hunter2", form=PrivateFormat.TraditionalOpenSSL),
            "encrypted: decrypt it first",
        ),
        "a key of another kind": (ed.pem + key_pem(ed.key), "RSA and ECDSA alone"),
        "a huge key": (leaf.pem + huge, "larger than RSA of 4,096 bits"),
        "a broken key": (leaf.pem + key[:60] + b"AAAA" + key[60:], "private key cannot be read"),
        "expired": (self_signed(days=-1).pem, "Certificate 1 of the file has expired"),
        "an expired chain": (leaf.pem + self_signed(days=-1).pem, "Certificate 2 of the file has expired"),
        "no base64": (leaf.pem.replace(b"MII", b"M!I", 1), "Block 1 of the file is damaged"),
        "cut": (re.sub(rb"(CERTIFICATE-----\n.{32}).*(\n-----END)", rb"\1\2", leaf.pem, flags=re.S), "cannot be read"),
        "something else": (leaf.pem.replace(b"CERTIFICATE", b"CERTIFICATE REQUEST"), "“CERTIFICATE REQUEST”"),
        "two public keys": (public_pem(leaf.key) + public_pem(other.key), "must be alone in its file"),
        "a public key beside": (leaf.pem + public_pem(leaf.key), "must be alone in its file"),
        "no public key": (public_pem(leaf.key).replace(b"MFkw", b"MFkx"), "public key cannot be read"),
        "a hostile name": (self_signed(dns_names=("a.example\nb.example",)).pem, "names in the certificate"),
    }


@pytest.mark.parametrize("what", refusals())
def test_what_a_gateway_could_not_use_is_refused(what: str) -> None:
    data, sentence = refusals()[what]
    with pytest.raises(CertificateError, match=re.escape(sentence)):
        read(data)


def test_many_unfinished_blocks_are_read_in_no_time() -> None:
    begun = datetime.now(UTC)
    with pytest.raises(CertificateError):
        read(b"-----BEGIN CERTIFICATE-----\n" * 3_500)
    assert datetime.now(UTC) - begun < timedelta(seconds=1)


@pytest.mark.parametrize(
    ("starts", "ends", "state"),
    [
        (-9, 31, ("active", "valid")),
        (-9, 29.5, ("expiring", "expires in 29 days")),
        (-9, 1.5, ("expiring", "expires in 1 day")),
        (-9, 0.5, ("expiring", "expires today")),
        (-9, 0, ("expired", "expired")),
        (1, 31, ("expiring", "not valid yet")),
    ],
)
def test_a_badge_says_how_long_a_certificate_is_valid(starts: float, ends: float, state: tuple[str, str]) -> None:
    dates = {"not_before": NOW + timedelta(days=starts), "not_after": NOW + timedelta(days=ends)}
    assert state_at(NOW, **dates) == state


# Services


def test_add_certificate_seals_the_private_key_and_writes_its_line(in_acme: World) -> None:
    leaf = self_signed()
    certificate = services.add_certificate(pem=leaf.pem + key_pem(leaf.key))

    kept = Certificate.objects.get()
    assert kept.certificate_id == in_acme.acme.id + hashlib.sha256(leaf.der).hexdigest()
    assert sealing.unseal(kept.sealed).encode() == key_pem(leaf.key)
    assert not any("PRIVATE KEY" in str(value) for value in vars(kept).values())
    line = AuditEntry.objects.get(kind="certificates")
    assert (line.action, line.object_id, line.object_name) == ("created", certificate.pk, "CN=orders.example")
    assert line.changes["private key"] == [None, True]
    assert "PRIVATE KEY" not in json.dumps(line.changes)


def test_add_certificate_refuses_one_that_is_there(in_acme: World) -> None:
    leaf = self_signed()
    services.add_certificate(pem=leaf.pem)
    with pytest.raises(services.CertificateExists, match=r"^Certificate with this id already exists\.$"):
        services.add_certificate(pem=leaf.pem + key_pem(leaf.key))
    assert [(kept.sealed, AuditEntry.objects.count()) for kept in Certificate.objects.all()] == [("", 1)]


def test_two_organisations_may_have_one_certificate(world: World) -> None:
    pem = self_signed().pem
    mine, theirs = added(world.acme, pem), added(world.globex, pem)
    assert mine.fingerprint == theirs.fingerprint
    assert mine.certificate_id != theirs.certificate_id


def test_delete_certificate_removes_it_and_writes_its_line(in_acme: World) -> None:
    services.delete_certificate(certificate=services.add_certificate(pem=self_signed().pem))
    assert not Certificate.objects.exists()
    assert [line.action for line in AuditEntry.objects.filter(kind="certificates").order_by("at")] == [
        "created",
        "deleted",
    ]


def test_delete_certificate_refuses_while_an_api_or_a_key_names_it(in_acme: World) -> None:
    certificate = services.add_certificate(pem=self_signed().pem)
    api = apis.create_api(definition=definition() | {"client_certificates": [certificate.certificate_id]})
    key = create_key(alias="Shop", has_all_apis=True)[0]
    Key.objects.filter(pk=key.pk).update(extra={"certificate": certificate.certificate_id})

    with pytest.raises(services.CertificateInUse, match=r"in use by the API “Orders”, the key “Shop”\.$") as refused:
        services.delete_certificate(certificate=certificate)
    assert refused.value.uses == services.Uses(apis=[(api.pk, "Orders")], keys=[(key.pk, "Shop")])
    assert Certificate.objects.exists()

    apis.delete_api(api=api)
    revoke_key(key=key)
    services.delete_certificate(certificate=certificate)
    assert not Certificate.objects.exists()


def test_the_uses_of_a_certificate_are_those_of_its_own_organisation(world: World) -> None:
    pem = self_signed().pem
    mine, theirs = added(world.acme, pem), added(world.globex, pem)
    with scope.opened(scope.of(world.globex.id)):
        apis.create_api(definition=definition() | {"client_certificates": [theirs.certificate_id]})
        assert services.uses_of(theirs)
    with scope.opened(scope.of(world.acme.id)):
        assert not services.uses_of(mine)
        services.delete_certificate(certificate=mine)


def test_missing_certificates_are_those_that_never_were_and_those_of_others_alike(world: World) -> None:
    own, theirs = added(world.acme, self_signed().pem), added(world.globex, self_signed("other.example").pem)
    never = world.acme.id + "0" * 64
    copied = world.acme.id + theirs.fingerprint
    named = definition() | {
        "certificates": [own.certificate_id, never],
        "client_certificates": [theirs.certificate_id, copied],
        "upstream_certificates": {"*": own.certificate_id},
        "pinned_public_keys": {"orders.example": f"{own.certificate_id}, {never}"},
        "request_signing": {"certificate_id": own.certificate_id},
    }
    with scope.opened(scope.of(world.acme.id)):
        problems = services.missing_certificates(named)
    places = ["certificates.1", "client_certificates.0", "client_certificates.1", "pinned_public_keys.orders.example"]
    assert [problem.message for problem in problems] == [
        f"{place} must be the id of a certificate of this organisation." for place in places
    ]


def test_missing_certificates_asks_nothing_for_a_definition_without(in_acme: World) -> None:
    with CaptureQueriesContext(connection) as asked:
        assert services.missing_certificates(definition() | {"certificates": [], "pinned_public_keys": {}}) == []
    assert len(asked) == 0


# Pages


def test_the_list_shows_what_a_certificate_is_for_and_until_when(world: World) -> None:
    certificate = added(world.acme, self_signed(days=10).pem)
    page = text_of(signed_in(world.al).get("/certificates/"))
    for text in ("CN=orders.example", "orders.example, www.orders.example", certificate.certificate_id):
        assert text in page
    assert 'state-expiring">expires in' in page
    assert ">Add a certificate<" not in page


def test_the_list_is_searched_by_subject_dns_name_and_id(world: World) -> None:
    orders = added(world.acme, self_signed().pem)
    added(world.acme, self_signed("shop", dns_names=("buy.example",)).pem)
    client = signed_in(world.al)

    def found(query: str) -> list[str]:
        return sorted(re.findall(r">CN=(\w+)", text_of(client.get("/certificates/", {"q": query}))))

    assert found("") == ["orders", "shop"]
    assert found("SHOP") == found("buy.exa") == ["shop"]
    assert found(orders.certificate_id) == found(orders.fingerprint[:12]) == found("www cn=orders") == ["orders"]
    assert found("100%") == found("\0orders shop") == []


def test_the_list_is_narrowed_by_state_and_sorted_by_expiry(world: World) -> None:
    long_ago = NOW - timedelta(days=900)
    added(world.acme, self_signed("late", days=-1).pem, now=long_ago)
    added(world.acme, self_signed("soon", days=10).pem)
    added(world.acme, self_signed("good", days=300).pem)
    key = added(world.acme, public_pem(ec.generate_private_key(ec.SECP256R1())))
    client = signed_in(world.al)

    def found(**query: str) -> list[str]:
        rows = re.findall(r'<a href="[^"]*/\w{24}/">(?:CN=)?(\w+)', text_of(client.get("/certificates/", query)))
        return ["key" if row == key.fingerprint[:12] else row for row in rows]

    assert found(state="valid", sort="expiry") == ["soon", "good"]
    assert found(state="expiring") == ["soon"]
    assert found(state="expired") == ["late"]
    assert found(sort="expiry") == ["late", "soon", "good", "key"]
    assert found(sort="-expiry") == ["key", "good", "soon", "late"]


def test_pages_take_as_many_queries_for_one_certificate_as_for_three(world: World) -> None:
    first = added(world.acme, self_signed().pem)
    with scope.opened(scope.of(world.acme.id)):
        apis.create_api(definition=definition() | {"certificates": [first.certificate_id]})
    client = signed_in(world.ann)

    def queries(path: str) -> int:
        with CaptureQueriesContext(connection) as asked:
            assert client.get(path).status_code == 200
        return len(asked)

    paths = ("/certificates/", f"/certificates/{first.pk}/", f"/certificates/{first.pk}/delete/")
    before = [queries(path) for path in paths]
    for name in ("two", "three"):
        added(world.acme, self_signed(name).pem)
        with scope.opened(scope.of(world.acme.id)):
            one_more = definition(name=name, listen_path=f"/{name}/") | {"certificates": [first.certificate_id]}
            apis.create_api(definition=one_more)
    assert [queries(path) for path in paths] == before


def test_a_certificate_is_added_from_a_file_or_its_text(world: World) -> None:
    client = signed_in(world.ann)
    leaf, other = self_signed(), self_signed("other.example")
    file = SimpleUploadedFile("orders.pem", leaf.pem + key_pem(leaf.key))
    answer = client.post("/certificates/add/", {"file": file})
    kept = stored(world.acme)[0]
    assert answer.headers["Location"] == f"/o/acme/certificates/{kept.pk}/"
    assert client.post("/certificates/add/", {"text": other.pem.decode()}).status_code == 302
    assert {kept.subject for kept in stored(world.acme)} == {"CN=orders.example", "CN=other.example"}


def test_a_pasted_private_key_is_not_shown_again(world: World) -> None:
    leaf = self_signed()
    page = signed_in(world.ann).post("/certificates/add/", {"text": key_pem(leaf.key).decode()})
    assert "This is a private key without its certificate" in text_of(page)
    assert "BEGIN" not in text_of(page)


def test_no_page_and_no_download_has_the_private_key(world: World) -> None:
    leaf = self_signed()
    certificate = added(world.acme, leaf.pem + key_pem(leaf.key))
    client = signed_in(world.ann)
    pages = [client.get(f"/certificates/{certificate.pk}/{path}") for path in ("", "certificate.pem", "delete/")]
    pages += [client.get(f"/admin/apis/certificate/{certificate.pk}/change/"), client.get("/audit/")]
    assert [page.status_code for page in pages] == [200] * 5
    assert "kept, encrypted" in text_of(pages[0])
    assert pages[1].content == leaf.pem
    hidden = (certificate.sealed, "BEGIN PRIVATE KEY", key_pem(leaf.key).decode().splitlines()[1])
    assert [text for text in hidden for page in pages if text in text_of(page)] == []


@pytest.mark.parametrize("path", ["", "certificate.pem", "delete/"])
def test_another_organisations_certificate_is_as_one_that_never_was(world: World, path: str) -> None:
    certificate = added(world.acme, self_signed().pem)
    client = signed_in(world.gus)
    assert client.get(f"/certificates/{certificate.pk}/{path}").status_code == 404
    if path == "delete/":
        assert client.post(f"/certificates/{certificate.pk}/{path}").status_code == 404
    assert len(stored(world.acme)) == 1


def test_a_reader_and_a_visitor_change_nothing(world: World) -> None:
    certificate = added(world.acme, self_signed().pem)
    for client in (signed_in(world.al), signed_in(world.uma, prefix="/all/o/acme")):
        assert client.get(f"/certificates/{certificate.pk}/").status_code == 200
        assert client.post("/certificates/add/", {"text": self_signed("x").pem.decode()}).status_code == 403
        assert client.post(f"/certificates/{certificate.pk}/delete/").status_code == 403
    assert [kept.pk for kept in stored(world.acme)] == [certificate.pk]


def test_what_uses_a_certificate_is_a_link_for_those_who_may_read_it(world: World) -> None:
    certificate = added(world.acme, self_signed().pem)
    with scope.opened(scope.of(world.acme.id)):
        api = apis.create_api(definition=definition() | {"certificates": [certificate.certificate_id]})
    clerk = user("clerk@acme.example", world.acme, permissions={"certificates": "write"})
    link = f'href="/o/acme/apis/{api.pk}/"'
    assert link in text_of(signed_in(world.al).get(f"/certificates/{certificate.pk}/"))
    page = text_of(signed_in(clerk).get(f"/certificates/{certificate.pk}/"))
    assert ("Orders" in page, link in page) == (True, False)


def test_a_certificate_is_deleted_unless_it_is_in_use(world: World) -> None:
    certificate = added(world.acme, self_signed().pem)
    client = signed_in(world.ann)
    with scope.opened(scope.of(world.acme.id)):
        api = apis.create_api(definition=definition() | {"certificates": [certificate.certificate_id]})
    assert "cannot be deleted" in text_of(client.get(f"/certificates/{certificate.pk}/delete/"))
    assert "in use by the API “Orders”" in text_of(client.post(f"/certificates/{certificate.pk}/delete/"))
    with scope.opened(scope.of(world.acme.id)):
        apis.delete_api(api=api)
    assert "Delete the certificate" in text_of(client.get(f"/certificates/{certificate.pk}/delete/"))
    assert client.post(f"/certificates/{certificate.pk}/delete/").status_code == 302
    assert stored(world.acme) == []

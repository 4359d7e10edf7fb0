"""Certificates over the wire."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from django.test.utils import CaptureQueriesContext

from apis.models import Certificate
from orgs import scope
from tests.apis.pem import key_pem, self_signed
from tests.conftest import World
from tests.machines.client import Machine, machine_of, read

PATH = "/api/certs"
MISSING = "Could not retrieve certificate details. Certificate with given SHA256 fingerprint not found."


def upload(machine: Machine, **fields: Any) -> Any:
    """Post a form; bytes are files."""
    data = {name: SimpleUploadedFile("a.pem", value) if isinstance(value, bytes) else value
            for name, value in fields.items()}  # fmt: skip
    return machine.client.generic(
        "POST", PATH, encode_multipart(BOUNDARY, data), content_type=MULTIPART_CONTENT, headers=machine.headers
    )


@pytest.fixture
def ann(world: World) -> Machine:
    return machine_of(world.ann)


@pytest.mark.parametrize("field", ["cert", "data", "file"])
def test_first_file_of_a_form_is_taken_whatever_its_field_is_called(world: World, ann: Machine, field: str) -> None:
    made = self_signed()
    added = read(upload(ann, **{field: made.pem + key_pem(made.key)}))
    with scope.opened(scope.of(world.acme.id)):
        certificate = Certificate.objects.get()
    assert added == {"id": certificate.certificate_id, "status": "ok", "message": "Certificate added"}
    assert list(added) == ["id", "status", "message"]
    assert certificate.sealed


def test_body_that_is_no_form_is_the_file(ann: Machine) -> None:
    added = ann.post(f"{PATH}/", self_signed().pem)
    assert read(added)["status"] == "ok"


def test_certificate_is_described_and_deleted_and_its_key_never_told(world: World, ann: Machine) -> None:
    made = self_signed()
    id = read(ann.post(PATH, made.pem + key_pem(made.key)))["id"]
    got = read(ann.get(f"{PATH}/{id}"))
    assert list(got) == [
        "id", "fingerprint", "has_private", "issuer", "subject", "not_before", "not_after", "dns_names", "is_ca",
    ]  # fmt: skip
    assert got | {"id": id, "fingerprint": id[24:], "has_private": True, "is_ca": False} == got
    assert (got["subject"]["CommonName"], got["subject"]["Country"]) == ("orders.example", None)
    assert got["issuer"]["Names"] == [{"Type": [2, 5, 4, 3], "Value": "Tests' own"}]
    assert got["dns_names"] == ["orders.example", "www.orders.example"]
    assert got["not_after"].endswith("Z")
    (basics,) = read(ann.get(f"{PATH}?mode=detailed"))["cert_basics"]
    assert basics == {
        "id": id, "issuer_cn": "Tests' own", "subject_cn": "orders.example", "dns_names": got["dns_names"],
        "has_private": True, "not_before": got["not_before"], "not_after": got["not_after"], "is_ca": False,
    }  # fmt: skip
    assert read(ann.get(f"{PATH}/details")) == {"certificates": [got], "pages": 1}
    assert read(ann.get(PATH)) == {"certs": [id], "pages": 1}
    assert read(ann.delete(f"{PATH}/{id}")) == {"status": "ok", "message": "removed"}
    assert read(ann.get(f"{PATH}/{id}"))["Message"] == MISSING


def test_list_is_narrowed_to_those_with_a_private_key(ann: Machine) -> None:
    made = self_signed()
    keyed = read(ann.post(PATH, made.pem + key_pem(made.key)))["id"]
    bare = read(ann.post(PATH, self_signed("other.example").pem))["id"]

    def ids(filter: str) -> list[str]:
        return [each["id"] for each in read(ann.get(f"{PATH}?mode=detailed&filter={filter}"))["cert_basics"]]

    assert (ids("with_pk"), ids("without_pk"), ids("omit")) == ([keyed], [bare], [bare, keyed])


def test_same_certificate_twice_is_refused(ann: Machine) -> None:
    ann.post(PATH, self_signed().pem)
    again = ann.post(PATH, self_signed().pem)
    assert (again.status_code, read(again)["Message"]) == (403, "Certificate with this id already exists.")


def test_certificate_that_an_api_names_is_not_deleted(ann: Machine) -> None:
    id = read(ann.post(PATH, self_signed().pem))["id"]
    definition = {
        "name": "Orders", "upstream_certificates": {"orders.example": id},
        "version_data": {"not_versioned": True, "versions": {"Default": {"name": "Default"}}},
        "proxy": {"listen_path": "/orders/", "target_url": "https://orders.example/"},
    }  # fmt: skip
    assert ann.post("/api/apis", definition).status_code == 200
    refused = ann.delete(f"{PATH}/{id}")
    assert refused.status_code == 409
    assert "Orders" in read(refused)["Message"]
    assert ann.get(f"{PATH}/{id}").status_code == 200


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----", b"\0", b"x" * 200_000]
)
def test_what_is_no_certificate_is_refused(ann: Machine, body: bytes) -> None:
    assert ann.post(PATH, body).status_code == 400
    assert upload(ann, cert=body).status_code == 400


def test_broken_forms_are_refused(ann: Machine) -> None:
    assert upload(ann, cert="no file").status_code == 400
    for kind in ("multipart/form-data", MULTIPART_CONTENT):
        broken = ann.client.generic("POST", PATH, b"\0\1", content_type=kind, headers=ann.headers)
        assert broken.status_code == 400


def test_another_organisations_certificate_is_as_one_that_never_was(world: World, ann: Machine) -> None:
    id = read(ann.post(PATH, self_signed().pem))["id"]
    gus = machine_of(world.gus)
    for method in ("GET", "DELETE"):
        foreign, never = gus.call(method, f"{PATH}/{id}"), gus.call(method, f"{PATH}/{'0' * 88}")
        own = gus.call(method, f"{PATH}/{world.globex.id}{id[24:]}")
        assert (foreign.status_code, foreign.content) == (404, never.content)
        assert own.content == never.content
    assert read(gus.get(PATH))["certs"] == []
    assert read(gus.post(PATH, self_signed().pem))["id"] == f"{world.globex.id}{id[24:]}"
    assert ann.get(f"{PATH}/{id}").status_code == 200


@pytest.mark.parametrize("id", ["x", "0" * 24, "%00" * 40, "0" * 24 + "%00", "0" * 24 + "é" * 64])
def test_odd_ids_are_not_found(ann: Machine, id: str) -> None:
    assert ann.get(f"{PATH}/{id}").status_code == 404


def test_reader_reads_and_adds_none(world: World, ann: Machine) -> None:
    id = read(ann.post(PATH, self_signed().pem))["id"]
    al = machine_of(world.al)
    assert al.get(f"{PATH}/{id}").status_code == 200
    assert al.post(PATH, self_signed("x.example").pem).status_code == 403
    assert al.delete(f"{PATH}/{id}").status_code == 403


@pytest.mark.parametrize("path", [PATH, f"{PATH}?mode=detailed", f"{PATH}/details", f"{PATH}?p=-1"])
def test_lists_cost_the_same_for_one_and_three(ann: Machine, path: str) -> None:
    ann.post(PATH, self_signed().pem)
    ann.get(path)
    with CaptureQueriesContext(connection) as one:
        read(ann.get(path))
    for name in ("a.example", "b.example"):
        ann.post(PATH, self_signed(name).pem)
    with CaptureQueriesContext(connection) as three:
        (found, pages) = read(ann.get(path)).values()
    assert (len(found), pages) == (3, 1)
    assert len(one) == len(three)

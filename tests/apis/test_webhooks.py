import json
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from apis.models import Webhook
from apis.webhooks import services
from apis.webhooks.checking import WebhookError, read_headers, without_path
from orgs import scope
from orgs.ids import new_id
from orgs.models import AuditEntry, Organisation
from tests.conftest import World, signed_in

TARGET = "https://hooks.example/services/T0K3N"
SECRET = "Bearer hunter2"


def fields(**changes: Any) -> Any:
    return {"name": "Pager", "target_url": TARGET, "headers": {"Authorization": SECRET}} | changes


def made(of: Organisation, **changes: Any) -> Webhook:
    with scope.opened(scope.of(of.id)):
        return services.create_webhook(**fields(**changes))


def stored(of: Organisation) -> list[Webhook]:
    with scope.opened(scope.of(of.id)):
        return list(Webhook.objects.order_by("name"))


def changes() -> list[tuple[str, dict[str, Any]]]:
    return [(line.action, line.changes) for line in AuditEntry.objects.filter(kind="webhooks").order_by("at", "id")]


def text_of(response: Any) -> str:
    return str(response.content.decode())


def typed(**changed: str) -> dict[str, str]:
    form = {"name": "Pager", "method": "POST", "target_url": TARGET, "headers": "", "event_timeout_s": "60"}
    return form | {"template_path": ""} | changed


# Services


def test_create_webhook_stores_it_and_writes_its_line_without_credentials(in_acme: World) -> None:
    services.create_webhook(**fields(method="put", template_path="templates/alert.json", extra={"x": 1}))
    kept = Webhook.objects.get()
    assert (kept.name, kept.method, kept.target_url, kept.headers, kept.template_path, kept.extra) == (
        "Pager", "PUT", TARGET, {"Authorization": SECRET}, "templates/alert.json", {"x": 1},
    )  # fmt: skip
    [(action, line)] = changes()
    assert (action, line["target_url"], line["headers"]) == (
        "created", [None, "https://hooks.example/…"], [None, ["Authorization"]],
    )  # fmt: skip
    assert not any(text in json.dumps(line) for text in ("T0K3N", "hunter2"))


def test_update_webhook_says_that_a_credential_changed_and_not_what_to(in_acme: World) -> None:
    webhook = services.create_webhook(**fields())
    saved = services.update_webhook(
        webhook=webhook, method="GET", target_url=f"{TARGET}-2", headers={"Authorization": "Bearer swordfish"}
    )
    assert Webhook.objects.get().headers == saved.headers == {"Authorization": "Bearer swordfish"}
    assert (saved.name, saved.target_url) == ("Pager", f"{TARGET}-2")
    assert changes()[1] == (
        "changed",
        {"method": ["POST", "GET"], "target_url": ["…", "…"], "headers": ["…", "…"]},
    )


def test_delete_webhook_removes_it_and_writes_its_line(in_acme: World) -> None:
    services.delete_webhook(webhook=services.create_webhook(**fields()))
    assert not Webhook.objects.exists()
    assert changes()[1] == ("deleted", {})


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"name": " "}, "name", "1 to 120 printable"),
    ({"name": "x" * 121}, "name", "1 to 120 printable"),
    ({"name": "a\nb"}, "name", "1 to 120 printable"),
    ({"name": "env://SECRET"}, "name", "gateways put a secret there"),
    ({"method": "TRACE"}, "method", "must be one of"),
    ({"target_url": ""}, "target_url", "must be an absolute address"),
    ({"target_url": "ftp://hooks.example/"}, "target_url", "must be an absolute address"),
    ({"target_url": "file:///etc/passwd"}, "target_url", "must be an absolute address"),
    ({"target_url": "tyk://other-api/"}, "target_url", "must be an absolute address"),
    ({"target_url": "https://hooks.example/\r\nX: y"}, "target_url", "spaces or control"),
    ({"target_url": "http://169.254.169.254/latest"}, "target_url", "link-local or metadata"),
    ({"target_url": "http://metadata.google.internal/"}, "target_url", "link-local or metadata"),
    ({"target_url": "http://[::ffff:169.254.169.254]/"}, "target_url", "link-local or metadata"),
    ({"target_url": "http://127.1:8080/tyk/keys"}, "target_url", "gateway's own machine"),
    ({"target_url": "https://hooks.example/?t=secrets://token"}, "target_url", "“secrets://”"),
    ({"headers": {"X-Key": "a\r\nX-Admin: b"}}, "headers", "printable characters"),
    ({"headers": {"X-Key": 1}}, "headers", "printable characters"),
    ({"headers": {"X-Key": "vault://secret/x"}}, "headers", "“vault://”"),
    ({"headers": {"X Key": "a"}}, "headers", "A header's name"),
    ({"headers": {"X-Key:\n": "a"}}, "headers", "A header's name"),
    ({"headers": {"X-Key": "a", "x-key": "b"}}, "headers", "there twice"),
    ({"headers": {f"X-{number}": "" for number in range(51)}}, "headers", "more than 50"),
    ({"event_timeout_s": -1}, "event_timeout_s", "whole number"),
    ({"event_timeout_s": 2**31}, "event_timeout_s", "whole number"),
    ({"event_timeout_s": True}, "event_timeout_s", "whole number"),
    ({"template_path": "/etc/passwd"}, "template_path", "must be empty, or a file"),
    ({"template_path": "templates/../../x.json"}, "template_path", "must be empty, or a file"),
    ({"extra": {"x": "y" * 10_000}}, "extra", "longer than 10,000"),
    ({"extra": {"x": "\0"}}, "extra", "NUL"),
]


@pytest.mark.parametrize(("change", "field", "sentence"), REFUSED)
def test_what_a_gateway_must_not_be_told_is_refused(
    in_acme: World, settings: Settings, change: dict[str, Any], field: str, sentence: str
) -> None:
    settings.ALLOW_LOOPBACK_TARGETS = False
    webhook = services.create_webhook(**fields(name="Kept"))
    with pytest.raises(WebhookError, match=sentence) as created:
        services.create_webhook(**fields(**change))
    with pytest.raises(WebhookError, match=sentence):
        services.update_webhook(webhook=webhook, **change)
    assert created.value.field == field
    assert [(kept.name, kept.headers) for kept in Webhook.objects.all()] == [("Kept", {"Authorization": SECRET})]
    assert [action for action, _ in changes()] == ["created"]


def test_loopback_is_for_installations_that_allow_it(in_acme: World, settings: Settings) -> None:
    settings.ALLOW_LOOPBACK_TARGETS = True
    assert services.create_webhook(**fields(target_url="http://127.0.0.1:9000/")).pk


def test_a_name_is_of_one_webhook_in_each_organisation(world: World) -> None:
    mine, _, other = made(world.acme), made(world.globex), made(world.acme, name="Other")
    with scope.opened(scope.of(world.acme.id)):
        with pytest.raises(WebhookError, match="There is already a webhook named PAGER"):
            services.create_webhook(**fields(name="PAGER"))
        with pytest.raises(WebhookError, match="There is already a webhook named pager"):
            services.update_webhook(webhook=other, name="pager")
        assert services.update_webhook(webhook=mine, name="PAGER").name == "PAGER"


def test_headers_are_read_from_lines() -> None:
    assert read_headers("X-Key: a: b\n\n Accept :json") == {"X-Key": "a: b", "Accept": "json"}
    with pytest.raises(WebhookError, match="Line 2: write Name: value"):
        read_headers("A: b\nnonsense")
    with pytest.raises(WebhookError, match="Line 2: the header is there twice"):
        read_headers("A: b\nA: c")


@pytest.mark.parametrize(
    ("target", "shown"),
    [
        ("https://hooks.example", "https://hooks.example"),
        ("https://hooks.example:8443/", "https://hooks.example:8443"),
        (TARGET, "https://hooks.example/…"),
        ("https://hooks.example?token=1", "https://hooks.example/…"),
        ("https://ann:hunter2@hooks.example/", "https://hooks.example"),
    ],
)
def test_a_target_is_shown_without_what_may_be_a_credential(target: str, shown: str) -> None:
    assert without_path(target) == shown


# Pages


def test_a_webhook_is_created_edited_and_deleted(world: World) -> None:
    client = signed_in(world.ann)
    created = client.post("/webhooks/create/", typed(headers=f"Authorization: {SECRET}\r\nX-Team: shop"))
    (webhook,) = stored(world.acme)
    assert created.headers["Location"] == "/o/acme/webhooks/"
    assert webhook.headers == {"Authorization": SECRET, "X-Team": "shop"}
    assert f"Authorization: {SECRET}" in text_of(client.get(f"/webhooks/{webhook.pk}/edit/"))
    client.post(f"/webhooks/{webhook.pk}/edit/", typed(name="Pager", event_timeout_s="0"))
    (webhook,) = stored(world.acme)
    assert (webhook.name, webhook.headers, webhook.event_timeout_s) == ("Pager", {}, 0)
    assert "Delete Pager?" in text_of(client.get(f"/webhooks/{webhook.pk}/delete/"))
    client.post(f"/webhooks/{webhook.pk}/delete/")
    assert stored(world.acme) == []


def test_what_is_refused_stands_at_its_field_and_what_was_typed_stays(world: World) -> None:
    client = signed_in(world.ann)
    answer = client.post("/webhooks/create/", typed(target_url="http://169.254.169.254/x", headers="nonsense"))
    assert set(answer.context["form"].errors) == {"headers"}
    answer = client.post("/webhooks/create/", typed(target_url="http://169.254.169.254/x", name="Mine"))
    assert set(answer.context["form"].errors) == {"target_url"}
    assert 'value="Mine"' in text_of(answer)
    assert stored(world.acme) == []


def test_a_reader_sees_no_credential_and_changes_nothing(world: World) -> None:
    webhook = made(world.acme)
    for client in (signed_in(world.al), signed_in(world.uma, prefix="/all/o/acme")):
        pages = [client.get(path) for path in ("/webhooks/", f"/admin/apis/webhook/{webhook.pk}/change/", "/audit/")]
        assert [page.status_code for page in pages] == [200] * 3
        assert all("Pager" in text_of(page) for page in pages)
        assert [word for word in ("hunter2", "T0K3N") for page in pages if word in text_of(page)] == []
        for path in ("create/", f"{webhook.pk}/edit/", f"{webhook.pk}/delete/"):
            assert client.get(f"/webhooks/{path}").status_code == 403
            assert client.post(f"/webhooks/{path}", typed(name="Mine")).status_code == 403
    assert [kept.name for kept in stored(world.acme)] == ["Pager"]


@pytest.mark.parametrize("path", ["edit/", "delete/"])
def test_another_organisations_webhook_is_as_one_that_never_was(world: World, path: str) -> None:
    webhook, client = made(world.acme), signed_in(world.gus)
    for id in (webhook.pk, new_id()):
        assert client.get(f"/webhooks/{id}/{path}").status_code == 404
        assert client.post(f"/webhooks/{id}/{path}", typed(name="Mine")).status_code == 404
    assert "Pager" not in text_of(client.get("/webhooks/"))
    assert [kept.name for kept in stored(world.acme)] == ["Pager"]


def test_the_list_takes_as_many_queries_for_one_webhook_as_for_three(world: World) -> None:
    made(world.acme)
    client = signed_in(world.ann)

    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert client.get("/webhooks/").status_code == 200
        return len(asked)

    before = queries()
    made(world.acme, name="Two")
    made(world.acme, name="Three")
    assert queries() == before

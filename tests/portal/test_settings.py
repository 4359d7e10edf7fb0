"""How a portal is: saved as a whole or not at all, with a sentence for what cannot be; and what its look may hold."""

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from orgs.models import AuditEntry
from portal.models import Portal
from portal.services.settings import set_logo
from tests.conftest import SiteClient, World, signed_in, user
from tests.portal.pictures import png
from tests.portal.shared import Shop, text_of

SETTINGS = {
    "is_on": "on",
    "title": "Acme for developers",
    "tagline": "All of it",
    "gateway_url": "https://api.acme.example/",
    "sign_up": "open",
    "email_domains": "acme.example",
    "notified": "boss@acme.example",
    "terms": "Be fair",
}
HERE = "/portal-settings/"
SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10"><rect width="5" height="5"/></svg>'


def portal_of(shop: Shop) -> Portal:
    with shop.inside():
        return Portal.objects.get()


def test_settings_are_saved_and_told(world: World, shop: Shop) -> None:
    ann = signed_in(world.ann)
    assert ann.post(f"{HERE}edit/", SETTINGS).status_code == 302
    saved = portal_of(shop)
    assert (saved.title, saved.gateway_url, saved.terms_revision) == (
        "Acme for developers", "https://api.acme.example", 1,
    )  # fmt: skip
    assert (saved.email_domains, saved.notified) == (["acme.example"], ["boss@acme.example"])
    with shop.inside():
        line = AuditEntry.objects.filter(kind="portal").order_by("at").last()
    assert line is not None
    assert (line.actor, line.changes["title"], line.changes["terms"]) == (
        "ann@acme.example", ["", "Acme for developers"], [None, "changed"],
    )  # fmt: skip
    assert "Acme for developers" in text_of(SiteClient(shop.prefix).get("/sign-in/"))


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"sign_up": "domain", "email_domains": ""}, "E-mail domains: name at least one"),
        ({"email_domains": "fine.example, nonsense"}, "nonsense is no domain"),
        ({"email_domains": "*.acme.example"}, "is no domain"),
        ({"email_domains": "acme.example/x"}, "is no domain"),
        ({"email_domains": ("x" * 60 + ".") * 5 + "example"}, "has more than 253 characters."),
        ({"email_domains": ",".join(f"d{at}.example" for at in range(51))}, "Name at most 50"),
        ({"email_domains": "a\0.example"}, "Null characters are not allowed."),
        ({"notified": "boss@acme.example, nobody"}, "Enter a valid email address."),
        ({"notified": "a@b.example\r\nBcc: c@d.example"}, "Enter a valid email address."),
        ({"notified": "a@b.example, " + "x" * 250 + "@b.example"}, "has more than 254 characters."),
        ({"gateway_url": "javascript:alert(1)"}, "Address of the gateway: it must be an absolute address"),
        ({"gateway_url": "https://user@api.example"}, "must be a plain address"),
        ({"gateway_url": "https://api.example; script-src *"}, "Address of the gateway"),
        ({"gateway_url": "https://api.example/'x"}, "must be a plain address"),
        ({"gateway_url": "https://api.example?q"}, "must be a plain address"),
        ({"gateway_url": "https://*.example"}, "Address of the gateway"),
        ({"sign_up": "anything"}, "Select a valid choice."),
        ({"title": "x" * 81}, "at most 80 characters"),
        ({"terms": "x" * 100_001}, "at most 100000 characters"),
        ({"terms": "[a]: b\n<\n> " * 9_000}, "Terms: The text is nested in a way that takes too long"),
    ],
)
def test_bad_setting_gets_a_sentence_and_nothing_is_saved_or_lost(
    world: World, shop: Shop, fields: dict[str, str], sentence: str
) -> None:
    answer = signed_in(world.ann).post(f"{HERE}edit/", SETTINGS | fields)
    assert sentence in text_of(answer)
    assert 'value="All of it"' in answer.content.decode()
    saved = portal_of(shop)
    assert (saved.title, saved.tagline, saved.revision) == ("", "", shop.portal.revision)


def test_settings_are_seen_by_readers_and_changed_by_writers(world: World, shop: Shop) -> None:
    reader = signed_in(user("ray@acme.example", world.acme, permissions={"portal": "read"}))
    nobody = signed_in(user("nob@acme.example", world.acme, permissions={"apis": "write", "system": "write"}))
    entry, dev = f"/catalogue/{shop.entry.pk}/", f"/developers/{shop.dev.pk}/"
    paths = [
        HERE,
        f"{HERE}look/",
        f"{HERE}theme.css",
        "/catalogue/",
        "/developers/",
        "/key-requests/",
        "/portal-pages/",
    ]
    paths += [entry, f"{entry}preview/", dev]
    assert {reader.get(path).status_code for path in paths} == {200}
    assert {nobody.get(path).status_code for path in paths} == {403}
    changes = [
        f"{HERE}edit/",
        f"{HERE}look/edit/",
        "/catalogue/create/",
        "/developers/invite/",
        "/portal-pages/create/",
    ]
    changes += [f"{entry}edit/", f"{entry}delete/", f"{dev}edit/", f"{dev}disable/", f"{dev}delete/"]
    for client in (reader, nobody):
        assert {client.get(path).status_code for path in changes} == {403}
        assert {client.post(path, SETTINGS).status_code for path in changes} == {403}
    assert portal_of(shop).title == ""


def test_administrator_of_another_organisation_changes_their_own(world: World, shop: Shop, other_shop: Shop) -> None:
    gus = signed_in(world.gus)
    gus.post(f"{HERE}edit/", SETTINGS)
    assert (portal_of(shop).title, portal_of(other_shop).title) == ("", "Acme for developers")
    for path in (f"/catalogue/{shop.entry.pk}/", f"/developers/{shop.dev.pk}/", f"/catalogue/{shop.entry.pk}/preview/"):
        assert gus.get(path).status_code == 404
    sent = {"api": shop.api.pk, "title": "Stolen", "audience": "everyone", "revision": "0", **plans(shop.policy.pk)}
    answer = gus.post("/catalogue/create/", sent)
    assert text_of(answer).count("Select a valid choice") >= 2
    assert "Gold" not in str(answer.content.decode()).replace("Gold</option>", "", 23)


def plans(policy: str) -> dict[str, str]:
    return {
        "plans-TOTAL_FORMS": "1", "plans-INITIAL_FORMS": "0", "plans-0-policy": policy, "plans-0-name": "Free",
        "plans-0-approval": "by_hand",
    }  # fmt: skip


def upload(data: bytes, name: str = "logo.svg", variables: str = "") -> dict[str, object]:
    return {"logo": SimpleUploadedFile(name, data), "variables": variables}


def test_logo_is_shown_and_never_run(world: World, shop: Shop) -> None:
    ann = signed_in(world.ann)
    assert ann.post(f"{HERE}look/edit/", upload(SVG.encode())).status_code == 302
    page = SiteClient(shop.prefix).get("/").content.decode()
    [address] = set(re.findall(r'src="([^"]*logo[^"]*)"', page))
    answer = Client().get(address)
    assert answer["Content-Type"] == "image/svg+xml"
    assert answer["Content-Security-Policy"] == "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    assert (answer["X-Content-Type-Options"], answer["Cache-Control"]) == ("nosniff", "public, max-age=86400")
    for path in ("logo", "theme.css"):
        assert ann.get(f"{HERE}{path}")["Cache-Control"] == "private, max-age=86400"
    ann.post(f"{HERE}look/edit/", {"removes_logo": "on", "variables": ""})
    assert Client().get(address).status_code == 404
    with shop.inside():
        told = repr(list(AuditEntry.objects.filter(kind="portal").values_list("changes", flat=True)))
    assert "image/svg+xml" in told
    assert "<rect" not in told


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (SVG.replace("<rect", "<script>alert(1)</script><rect").encode(), "must not hold <script>"),
        (SVG.replace("<rect", '<rect onclick="alert(1)"').encode(), "must not run anything"),
        (SVG.replace("<rect", '<a href="javascript:alert(1)"/><rect').encode(), "must not hold <a>"),
        (SVG.replace("<rect", "<foreignObject/><rect").encode(), "must not hold <foreignObject>"),
        (SVG.replace("<rect", '<rect fill="url(https://evil.example)"').encode(), "has a fill that is not taken"),
        (f'<!DOCTYPE svg [<!ENTITY a "b">]>{SVG}'.encode(), "no <!DOCTYPE"),
        (b"<html><script>alert(1)</script></html>", "is no SVG"),
        (b"GIF89a<script>alert(1)</script>", "is damaged"),
        (b"MZ\0\0", "is no picture that can be used"),
        (b"", "The submitted file is empty."),
        (png() + b"x" * 200_001, "a logo has at most 200,000."),
    ],
)
def test_logo_that_cannot_be_used_gets_a_sentence_and_nothing_is_saved(
    world: World, shop: Shop, data: bytes, sentence: str
) -> None:
    with shop.inside():
        set_logo(logo=None)
    answer = signed_in(world.ann).post(f"{HERE}look/edit/", upload(data, variables="--portal-radius: 3px;"))
    assert sentence in text_of(answer)
    assert "--portal-radius: 3px;" in answer.content.decode()
    assert (portal_of(shop).logo_type, portal_of(shop).variables) == ("", "")


@pytest.mark.parametrize(
    "line",
    [
        "--portal-accent: red; } body { background: url(https://evil.example) }",
        "--portal-accent: url(https://evil.example);",
        "--portal-accent: expression(alert(1));",
        "--portal-font: evil</style><script>alert(1)</script>;",
        "@import 'https://evil.example';",
        "body { display: none }",
        "--portal-radius: calc(1px);",
        "--portal-radius: 1px\\3b;",
    ],
)
def test_variable_that_is_no_value_gets_a_sentence(world: World, shop: Shop, line: str) -> None:
    answer = signed_in(world.ann).post(f"{HERE}look/edit/", {"variables": f"--portal-width: 60rem;\n{line}"})
    assert "Look: Line 2:" in text_of(answer)
    assert "--portal-width: 60rem;" in answer.content.decode()
    assert portal_of(shop).variables == ""


def test_theme_is_css_and_is_the_organisations(world: World, shop: Shop, other_shop: Shop) -> None:
    signed_in(world.ann).post(f"{HERE}look/edit/", {"variables": "--portal-accent: #123456;"})
    answer = SiteClient(shop.prefix).get("/theme.css")
    assert (answer["Content-Type"], answer["X-Content-Type-Options"]) == ("text/css", "nosniff")
    assert "--portal-accent:#123456" in answer.content.decode()
    assert "#123456" not in SiteClient(other_shop.prefix).get("/theme.css").content.decode()


def test_portal_that_is_off_can_be_prepared(world: World, shop: Shop) -> None:
    shop.change(is_on=False)
    ann = signed_in(world.ann)
    assert SiteClient(shop.prefix).get("/apis/parcels/").status_code == 404
    assert "All parcels" in ann.get(f"/catalogue/{shop.entry.pk}/preview/").content.decode()
    html = ann.get(f"/catalogue/{shop.entry.pk}/preview/").content.decode()
    assert f'href="{shop.prefix}' not in html
    assert "target.example" not in html


def test_settings_that_somebody_else_has_changed_meanwhile_are_kept(world: World, shop: Shop) -> None:
    ann = signed_in(world.ann)
    path = "/portal-settings/edit/"
    form = ann.get(path).context["form"]
    sent = {name: value for name, value in form.initial.items() if name in ("title", "sign_up", "revision")}
    assert ann.post(path, sent | {"is_on": "on", "title": "First"}).status_code == 302
    answer = ann.post(path, sent | {"is_on": "on", "title": "Second"})
    assert "The settings were changed meanwhile: nothing has been saved." in text_of(answer)
    assert 'value="Second"' in answer.content.decode()
    assert portal_of(shop).title == "First"

"""From a stranger to a key that is rotated: each step by the pages, as a person goes."""

import re

from django.core import mail
from django.test import Client

from keys.models import Key
from keys.token import HashAlgorithm, hash_token
from orgs import scope
from portal.models import KeyRequest
from tests.conftest import PASSWORD, SiteClient, signed_in
from tests.portal.shared import Shop
from users.mailing import Sender
from users.models import User


def newest_link() -> str:
    sender = Sender()
    while sender.send_next():
        pass
    return str(re.findall(r"https?://\S+", str(mail.outbox[-1].body))[0])


def shown_secret(html: str) -> str:
    return str(re.findall(r'id="secret-value"[^>]* value="([^"]+)"', html)[0])


def test_stranger_becomes_a_developer_who_has_a_key(shop: Shop) -> None:
    visitor = SiteClient(shop.prefix)
    assert "Parcels" in visitor.get("/").content.decode()
    told = visitor.post("/sign-up/", {"email": "New@Example.com", "name": "Nia"})
    assert "a link is on its way" in told.content.decode()
    link = newest_link()
    assert link.startswith("http://testserver/o/acme/portal/join/")

    joined = Client()
    page = joined.get(link)
    assert "address new@example.com is confirmed" in page.content.decode()
    answer = joined.post(link, {"name": "Nia", "password": PASSWORD, "again": PASSWORD})
    assert (answer.status_code, answer["Location"]) == (302, "/o/acme/portal/")
    assert "Too late" in Client().get(link).content.decode()

    asked = joined.post(
        f"{shop.prefix}/apis/parcels/plans/{shop.plan.pk}/", {"new_application": "Tracker", "purpose": "To see them"}
    )
    assert asked.status_code == 302
    application = asked["Location"]
    assert "waiting" in joined.get(application).content.decode()

    with scope.opened(scope.of(shop.organisation.id)):
        request = KeyRequest.objects.get()
    ann = signed_in(shop_administrator(shop))
    assert "new@example.com" in ann.get("/key-requests/").content.decode()
    assert ann.post(f"/key-requests/{request.pk}/", {"approve": "yes", "reason": "Welcome"}).status_code == 302
    assert newest_link() == f"http://testserver{application}"
    assert "Welcome" in mail.outbox[-1].body

    taken = joined.post(f"{shop.prefix}/requests/{request.pk}/key/")
    token = shown_secret(taken.content.decode())
    with scope.opened(scope.of(shop.organisation.id)):
        key = Key.objects.get()
        assert (key.alias, key.hash) == ("Tracker · Standard", hash_token(token, HashAlgorithm(key.hash_algorithm)))
        assert [policy.name for policy in key.policies.all()] == ["Gold"]
    again = joined.post(f"{shop.prefix}/requests/{request.pk}/key/", follow=True)
    assert "taken already" in again.content.decode()

    page = joined.get(f"{shop.prefix}/keys/{request.pk}/")
    assert (key.masked in page.content.decode(), token in page.content.decode()) == (True, False)
    rotated = joined.post(f"{shop.prefix}/keys/{request.pk}/rotate/", {"grace": "3600", "revision": key.revision})
    assert shown_secret(rotated.content.decode()) not in ("", token)


def shop_administrator(shop: Shop) -> User:
    with scope.opened(scope.of(shop.organisation.id)):
        return User.objects.select_related("organisation").get(is_administrator=True)

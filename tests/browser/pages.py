"""The addresses of the pages that have to be sound everywhere."""

from playwright.sync_api import Page

OF_GATEWAY = (
    "/apis/", "/apis/?q=nothing", "/apis/create/", "/apis/import/",
    "{api}", "{api}definition/", "{api}definition/edit/", "{api}edit/", "{api}history/", "{api}delete/",
    "/keys/", "/keys/create/",
    "{key}", "{key}settings/", "{key}history/", "{key}danger/", "{key}edit/", "{key}rotate/", "{key}revoke/",
    "/policies/", "/policies/create/", "/policies/preview/", "{policy}", "{policy}settings/",
    "{policy}edit/", "{policy}delete/",
    "/certificates/", "/certificates/add/", "{certificate}", "{certificate}delete/",
    "/webhooks/", "/webhooks/create/",
    "/domains/", "/domains/add/", "{domain}", "{domain}edit/", "{domain}delete/",
    "/alerts/", "/alerts/create/", "/alerts/create/?kind=errors", "/alerts/history/", "/alerts/deliveries/",
    "/gateways/", "{api}gateways/", "{api}use/", "{key}use/",
)  # fmt: skip
OF_ANALYTICS = (
    "/analytics/", "/analytics/?span=30d&zone=Asia/Kolkata", "/analytics/?from=2026-01-01&to=nonsense&zone=nowhere",
    "/analytics/apis/", "{analysed_api}", "/analytics/keys/", "{analysed_key}", "/analytics/paths/",
    "/analytics/keys/board/", "/analytics/keys/board/?group=broad",
    "/analytics/errors/", "/analytics/countries/", "/analytics/tags/", "/analytics/oauth-clients/",
    "/analytics/requests/", "/analytics/requests/?status=5xx&path=/o", "/analytics/requests/?status=nonsense",
    "{request}",
)  # fmt: skip
OF_PEOPLE = (
    "/", "/audit/", "/mail/", "/mail/?state=nonsense", "/settings/", "/account/", "/account/password/",
    "/access-keys/create/",
    "/users/", "/users/create/", "/users/invite/", "{user}", "{user}edit/", "{user}delete/",
    "/groups/", "/groups/create/", "{group}", "{group}edit/", "{group}delete/",
    "/reference/", "/reference/?q=key", "/reference/put_apis_id/",
)  # fmt: skip
OF_ALL = (
    "/", "/search/", "/users/", "/users/create/", "/audit/", "/account/", "/reference/",
    "/tags/", "/tags/create/", "{tag}", "{tag}delete/", "/tags/standard/", "/tags/standard/change/",
    "/tags/standard/change/?preview=1&pattern={slug}-*&least=1",
    "/gateways/", "/gateways/create/",
    "{gateway_group}", "{gateway_group}edit/", "{gateway_group}rotate/", "{gateway_group}delete/",
    "/analytics/", "/analytics/dead-letters/",
)  # fmt: skip
ON_VISITS = (
    "/",
    "/apis/",
    "{api}",
    "/keys/",
    "{key}",
    "/mail/",
    "/settings/",
    "/domains/",
    "/gateways/",
    "/analytics/",
    "/analytics/keys/board/",
    "/analytics/requests/",
)
OF_ADMIN = ("/admin/", "/admin/apis/api/", "/admin/users/user/", "{admin}", "/admin/orgs/organisation/")
NOWHERE = "/nowhere/"
SIGNED_OUT = ("/", "/o/acme/sign-in/", "/o/acme/password-reset/", "/all/sign-in/", NOWHERE)
LISTS = {
    "api": ("/apis/", "/apis/"),
    "key": ("/keys/", "/keys/"),
    "policy": ("/policies/", "/policies/"),
    "certificate": ("/certificates/", "/certificates/"),
    "domain": ("/domains/", "/domains/"),
    "tag": ("/tags/", "/tags/"),
    "analysed_api": ("/analytics/apis/", "/analytics/apis/"),
    "analysed_key": ("/analytics/keys/", "/analytics/keys/"),
    "request": ("/analytics/requests/", "/analytics/requests/"),
    "user": ("/users/", "/users/"),
    "group": ("/groups/", "/groups/"),
    "gateway_group": ("/gateways/", "/gateways/"),
    "admin": ("/admin/users/user/", "/admin/users/user/"),
}


def addresses(page: Page, prefix: str, paths: tuple[str, ...]) -> list[str]:
    """Return the paths of a site, with those of the first object of each list in the place of its name."""
    wanted = {name for name in LISTS if any(f"{{{name}}}" in path for path in paths)}
    first = {name: first_of(page, prefix, name) for name in wanted}
    return [path.format(**first) if path.startswith("{") else prefix + path for path in paths]


def first_of(page: Page, prefix: str, name: str) -> str:
    path, below = LISTS[name]
    page.goto(prefix + path)
    return str(page.locator(f"tbody a[href^='{prefix}{below}']").first.get_attribute("href"))

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
OF_MANAGING = (
    "/catalogue/", "/catalogue/?q=nothing", "/catalogue/create/",
    "{published}", "{published}edit/", "{published}preview/", "{published}delete/",
    "/developers/", "/developers/?q=nothing", "/developers/invite/",
    "{developer}", "{developer}edit/", "{developer}disable/", "{developer}delete/",
    "/key-requests/", "/key-requests/?state=pending", "{asked}",
    "/portal-pages/", "/portal-pages/create/", "{written}", "{written}../preview/", "{written}../delete/",
    "/portal-settings/", "/portal-settings/edit/", "/portal-settings/look/", "/portal-settings/look/edit/",
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
    "{domain}",
    "/catalogue/",
    "{published}",
    "{published}preview/",
    "/developers/",
    "{developer}",
    "/key-requests/",
    "{asked}",
    "/portal-pages/",
    "/portal-settings/",
    "/gateways/",
    "/analytics/",
    "/analytics/keys/board/",
    "/analytics/requests/",
)
OF_ADMIN = ("/admin/", "/admin/apis/api/", "/admin/users/user/", "{admin}", "/admin/orgs/organisation/")
NOWHERE = "/nowhere/"
OF_PORTAL = (
    "/", "/?q=payments", "/?q=nothing", "/?category=cards", "{entry}", "{entry}console/", "{plan}",
    "/applications/", "/applications/create/", "{application}", "{application}edit/", "{application}delete/",
    "{held}", "{held}rotate/", "{held}revoke/",
    "/account/", "/account/password/", "/account/delete/", "/pages/getting-started/", "/terms/", NOWHERE,
)  # fmt: skip
OF_PORTAL_SIGNED_OUT = (
    "/", "{entry}", "/sign-in/", "/sign-up/", "/password-reset/", "/join/nothing/", "/pages/help/", "/terms/", NOWHERE,
)  # fmt: skip
SIGNED_OUT = ("/", "/o/acme/sign-in/", "/o/acme/password-reset/", "/all/sign-in/", NOWHERE)
# By name: the page that has links to such objects, and the path below which these lie.
LISTS = {
    "api": ("/apis/", "/apis/"),
    "key": ("/keys/", "/keys/"),
    "policy": ("/policies/", "/policies/"),
    "certificate": ("/certificates/", "/certificates/"),
    "domain": ("/domains/", "/domains/"),
    "published": ("/catalogue/", "/catalogue/"),
    "developer": ("/developers/", "/developers/"),
    "asked": ("/key-requests/?state=pending", "/key-requests/"),
    "written": ("/portal-pages/", "/portal-pages/"),
    "tag": ("/tags/", "/tags/"),
    "analysed_api": ("/analytics/apis/", "/analytics/apis/"),
    "analysed_key": ("/analytics/keys/", "/analytics/keys/"),
    "request": ("/analytics/requests/", "/analytics/requests/"),
    "user": ("/users/", "/users/"),
    "group": ("/groups/", "/groups/"),
    "gateway_group": ("/gateways/", "/gateways/"),
    "admin": ("/admin/users/user/", "/admin/users/user/"),
}
# The same of a portal, where one leads to the next: the page, and what its link is.
IN_PORTAL = {
    "entry": ("/?q=payments", "main h3 a"),
    "plan": ("{entry}", "main a[href*='/plans/']"),
    "application": ("/applications/", "tbody a"),
    "held": ("{application}", "tbody a[href*='/keys/']"),
}


def addresses(page: Page, prefix: str, paths: tuple[str, ...]) -> list[str]:
    """Return the paths of a site, with those of the first object of each list in the place of its name."""
    wanted = [name for name in (*LISTS, *IN_PORTAL) if any(f"{{{name}}}" in path for path in paths)]
    first: dict[str, str] = {}
    for name in wanted:
        first[name] = first_of(page, prefix, name, first)
    return [path.format(**first) if path.startswith("{") else prefix + path for path in paths]


def first_of(page: Page, prefix: str, name: str, known: dict[str, str]) -> str:
    path, below = LISTS.get(name) or IN_PORTAL[name]
    link = f"tbody a[href^='{prefix}{below}']" if name in LISTS else below
    page.goto(path.format(**known) if path.startswith("{") else prefix + path)
    return str(page.locator(link).first.get_attribute("href"))

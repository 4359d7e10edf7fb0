"""The README names every setting, command and address, and nothing that is not there."""

import re
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class

from dashboard import embedded, secret_settings
from orgs.management.commands import bootstrap
from orgs.sites import Kind, site_of

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()
DOCUMENTS = (
    "README.md",
    "CHANGELOG.md",
    "docs/architecture.md",
    "docs/look.md",
    "docs/api.md",
    "docs/gateways.md",
    "docs/analytics.md",
    "docs/cli.md",
    "docs/compatibility.md",
    "docs/alerts.md",
    "docs/domains.md",
    "docs/portal.md",
)
APPS = ("dashboard", "orgs", "users", "apis", "keys", "gateways", "analytics", "portal")
READS_A_VARIABLE = re.compile(
    r"""\b(?:env\.\w+|os\.environ\.get|secret|number|choice|switch)\(\s*"([A-Z][A-Z_]+)"|os\.environ\["([A-Z_]+)"\]"""
)


def section(title: str) -> str:
    return README.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def first_column(title: str) -> set[str]:
    return set(re.findall(r"^\| `([^`]+)` \|", section(title), flags=re.MULTILINE))


def variables() -> set[str]:
    sources = [path for app in APPS for path in (ROOT / app).rglob("*.py")]
    sources += [ROOT / "gunicorn.conf.py", ROOT / "manage.py"]
    found = {name for path in sources for names in READS_A_VARIABLE.findall(path.read_text()) for name in names}
    return {*found, *secret_settings.NAMES, *(variable for variable, *_ in bootstrap.VALUES.values())} - {""}


def test_settings_table_has_each_variable_that_is_read() -> None:
    assert first_column("Settings") == variables()


def test_commands_table_has_each_command() -> None:
    own = {name for name, app in get_commands().items() if app in APPS}
    assert first_column("Commands") == own | {"createsuperuser"}


@pytest.mark.parametrize("command", sorted(first_column("Commands")))
def test_command_says_what_it_is_for(command: str) -> None:
    assert load_command_class(get_commands()[command], command).help


PLACES = {
    Kind.ROOT: "/",
    Kind.ORGANISATION: "/o/<slug>/",
    Kind.PORTAL: "/o/<slug>/portal/",
    Kind.ALL: "/all/",
    Kind.VISIT: "/all/o/<slug>/",
}


def test_addresses_table_has_each_site() -> None:
    assert first_column("First steps") == set(PLACES.values())
    sites = {kind: site_of("localhost", f"{place.replace('<slug>', 'acme')}apis/") for kind, place in PLACES.items()}
    assert {kind: site and site.kind for kind, site in sites.items()} == {kind: kind for kind in Kind}


def test_map_names_files_that_exist() -> None:
    named = re.findall(r"`([\w./-]+(?:/|\.py))`", section("Map of the code") + section("Change it"))
    assert len(named) > len(APPS)
    assert [path for path in named if not (ROOT / path).exists() and path != "services.py"] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_to_files_that_exist(document: str) -> None:
    """Pictures apart: the browser tests take them."""
    links = re.findall(r"(?<!!)\[[^\]]*\]\(([^)#]+)\)", (ROOT / document).read_text())
    local = [link for link in links if "://" not in link]
    assert [link for link in local if not (ROOT / document).parent.joinpath(link).exists()] == []


def test_roles_may_no_more_than_those_of_the_embedded_database() -> None:
    """Its owner makes databases too, for the tests."""
    sql = section("Run it for real").partition("```sql\n")[2].partition("```")[0]
    roles = {words[2]: set(words[3:]) for words in map(str.split, re.findall(r"CREATE ROLE [^;]+", sql))}
    ours = {name: set(statement.split()[3:]) - {"CREATEDB"} for name, statement in embedded.ROLES.items()}
    assert {name: ours[name] - roles.get(name, set()) for name in ours} == {name: set() for name in ours}
    assert [power for powers in roles.values() for power in powers if power != "LOGIN" and power[:2] != "NO"] == []

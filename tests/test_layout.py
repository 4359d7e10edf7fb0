"""How the code is laid out: what imports what, who may open a scope, and what templates are made of."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LAYERS = ("orgs", "users", "apis", "keys", "gateways", "analytics", "portal", "dashboard")
CODE = sorted(path for layer in LAYERS for path in (ROOT / layer).rglob("*.py") if "migrations" not in path.parts)
TEMPLATES = sorted(path for path in (ROOT / "templates").rglob("*") if path.suffix in (".html", ".txt"))

UPWARD_IMPORTS = {
    ("orgs/http.py", "users"): "for types alone: a request has a user",
    ("orgs/machines/calls.py", "users"): "for types alone: a call has a user",
    ("orgs/management/commands/bootstrap.py", "users"): "an organisation begins with its administrator",
    ("orgs/management/commands/bootstrap.py", "gateways"): "an installation begins with a group of gateways",
}
WITHOUT_DJANGO = (
    *("apis/definition.py", "apis/jsontext.py", "apis/openapi.py", "apis/rules.py", "apis/tyk_fields.py"),
    *("apis/yamltext.py", "keys/paths.py", "keys/session.py", "keys/token.py", "keys/merging.py"),
    *("orgs/addresses.py", "orgs/domains/names.py", "orgs/domains/schedule.py"),
    *("dashboard/document.py", "dashboard/schemas.py", "dashboard/cli/documents.py", "dashboard/cli/planning.py"),
    *("keys/policies/fields.py", "keys/session_fields.py", "gateways/protocol.py", "gateways/feed/texts.py"),
    *("gateways/standing.py", "gateways/groups/configuration.py"),
    *("apis/openapi_types.py", "apis/oas/__init__.py", "apis/oas/derivation.py", "apis/oas/document.py"),
    *("apis/oas/fields.py", "apis/oas/parts.py", "apis/oas/paths.py", "apis/oas/rules.py", "apis/oas/security.py"),
    *("apis/certificates/reading.py", "apis/webhooks/checking.py", "apis/oauth_clients/checking.py"),
    *(
        "apis/tagging.py",
        "analytics/decoding.py",
        "analytics/histogram.py",
        "analytics/naming.py",
        "analytics/spans.py",
    ),
    "analytics/alerts/signing.py",
    *("portal/branding/colours.py", "portal/branding/errors.py", "portal/branding/logos.py", "portal/branding/svg.py"),
    *("portal/branding/themes.py", "portal/branding/variables.py"),
    *("portal/reference/addresses.py", "portal/reference/model.py", "portal/reference/outline.py"),
    *("portal/reference/published.py", "portal/reference/shapes.py", "portal/reference/source.py"),
    "portal/reference/viewing.py",
)
MAY_SEE_EVERYTHING = {
    "analytics/closing.py": "looks which organisations keep records for fewer days",
    "orgs/middleware.py": "unbounded users' own pages",
    "orgs/domains/checking.py": "looks of which organisations domains are due, and who has a host",
    "orgs/proof/probes.py": "tries whether it writes nothing",
    "orgs/management/commands/bootstrap.py": "looks whether there is an organisation",
    "analytics/alerts/evaluating.py": "looks which organisations have alerts to be looked at",
    "analytics/alerts/sending.py": "looks of which organisations alerts wait to be sent",
    "gateways/delivery.py": "looks of which organisations something waits",
    "gateways/feed/building.py": "looks of which organisations something waits",
    "gateways/feed/sending.py": "reads the lists of a group, which may serve every organisation",
    "gateways/nodes.py": "a group may serve every organisation, and its secret says which group a node is of",
    "gateways/outbox.py": "counts what waits for a group",
    "gateways/serving.py": "compares what groups say with what is written out",
    "gateways/tags/consequences.py": "counts the APIs that carry a tag, whoever owns them",
    "gateways/tags/telling.py": "looks whom a change of a tag concerns",
    "gateways/services.py": "looks whether the organisations that a group names exist",
    "gateways/sweeping.py": "looks which organisations a group serves",
    "dashboard/machines.py": "the admin secret reads every organisation",
    "dashboard/metrics.py": "numbers of the whole installation, without a name of any organisation",
    "users/credentials.py": "a machine's key says whose it is, not its address",
    "users/mailing.py": "looks whose mail is due",
    "users/services/at_root.py": "at `/` an e-mail address may be of any organisation",
    "users/services/beginning.py": "looks whether there is anything yet",
    "users/services/single_sign_on.py": "a nonce says whose it is, not the address that it comes to",
}
MAY_OPEN_SCOPES = {
    **MAY_SEE_EVERYTHING,
    "analytics/ingest/pumping.py": "groups are the installation's, and records are taken in for every organisation",
    "analytics/ingest/sql_source.py": "records are taken in for every organisation",
    "analytics/management/commands/pump.py": "groups are the installation's",
    "analytics/ingest/taking.py": "lists of records are of every organisation",
    "analytics/queries.py": "until when hours, days and months are summed is the installation's",
    "orgs/proof/world.py": "makes two organisations, to be undone",
    "gateways/management/commands/resync.py": "a command, for what a group serves",
    "analytics/quotas.py": "quotas are counted in the Redis of groups, which are the installation's",
    "apis/tags.py": "a tag's registry is the installation's: it says which tags an API may have",
    "gateways/tags/services.py": "tags are the installation's",
    "gateways/operations.py": "groups are the installation's",
    "gateways/versions.py": "groups are the installation's",
    "gateways/presence.py": "nodes are the installation's",
    "gateways/sight.py": "an organisation sees the nodes that serve it, which are the installation's",
    "orgs/services.py": "an organisation that is being made, or deleted",
    "orgs/hosts.py": "looks whether somebody has proven a host, before it is known whose it is",
    "orgs/api/organisation_keys.py": "the admin secret's holder limits an organisation",
    "users/api/administration.py": "the admin secret's holder changes users of an organisation",
    "dashboard/organisations.py": "the admin secret's holder changes an organisation",
    "orgs/management/commands/organisation.py": "a command, for the organisation that it is given",
    "orgs/proof/queries.py": "asks from one organisation for the rows of another",
    "users/models.py": "`createsuperuser` makes an unbounded user",
    "orgs/machines/calls.py": "the line that an unbounded user's look at a row leaves",
    "orgs/machines/lists.py": "a list that is streamed after its request",
    "apis/api/importing.py": "the admin secret imports into the organisations that are named",
    "portal/api/single_sign_on.py": "the admin secret's holder vouches for somebody in an organisation",
    "keys/api/policies.py": "the admin secret imports into the organisations that are named",
    "apis/management/commands/import_openapi.py": "a command, for the organisation that it is given",
    "dashboard/suspension.py": "an unbounded user suspends an organisation",
    "analytics/api/whose.py": "an unbounded user names the organisation whose requests it looks at",
    "dashboard/demo/making.py": "a command, for the organisations that it makes",
    "dashboard/demo/traffic.py": "a command, for the requests of the organisations that it makes",
}
MARKED_SAFE = {
    "templates/forms/help.html": "help texts are written in the code, some with markup",
    "templates/mail/alert.txt": "plain text",
    "templates/mail/invitation.txt": "plain text",
    "templates/mail/reset.txt": "plain text",
    "templates/mail/sign_up.txt": "plain text",
    "templates/mail/developer_invitation.txt": "plain text",
    "templates/mail/developer_known.txt": "plain text",
    "templates/mail/key_asked.txt": "plain text",
    "templates/mail/key_approved.txt": "plain text",
    "templates/mail/key_refused.txt": "plain text",
    "orgs/listing.py": "rows of a list, each value escaped before it",
    "analytics/charts/drawing.py": "numbers and classes, each text escaped before it",
    "analytics/charts/shown.py": "rows of a table, each text escaped before it",
    "analytics/charts/small.py": "numbers, the label escaped before it",
    "portal/site/cards.py": "cards of the catalogue, each text escaped before it",
    "portal/markdown.py": "Markdown of organisations, cleaned right before",
    "portal/reference/markup.py": "pieces of markup put together, each value escaped before it",
}
INLINE = re.compile(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\bsrc=)|javascript:")
LONG_FILES = {
    "apis/tyk_fields.py": "a table of the fields of a definition, a line each",
    "apis/oas/fields.py": "a table of the fields of an extension, a line each",
}
MOST_LINES = 300


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports(path: Path) -> Iterator[str]:
    """Yield the modules that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{name(path)} imports relatively."
            yield node.module or ""


def test_apps_import_only_what_lies_below_them() -> None:
    upward = {
        (name(path), layer)
        for path in CODE
        for layer in {module.partition(".")[0] for module in imports(path)} & set(LAYERS)
        if LAYERS.index(layer) > LAYERS.index(path.relative_to(ROOT).parts[0])
    }
    assert upward == set(UPWARD_IMPORTS)


def test_pure_modules_import_no_django() -> None:
    modules = {(file, module) for file in WITHOUT_DJANGO for module in imports(ROOT / file)}
    assert {(file, module) for file, module in modules if module.startswith("django")} == set()


def uses_of_scope(attribute: str) -> set[str]:
    """Return the files that say `scope.<attribute>`."""
    return {
        name(path)
        for path in CODE
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr == attribute
        if isinstance(node.value, ast.Name) and node.value.id == "scope"
    }


def test_every_organisation_is_seen_in_few_places() -> None:
    assert uses_of_scope("EVERYTHING") == set(MAY_SEE_EVERYTHING)


def test_scopes_are_opened_in_few_places() -> None:
    opening = ("opened", "narrow_to", "ask_in")
    assert set().union(*map(uses_of_scope, opening)) == set(MAY_OPEN_SCOPES)


def test_scope_is_imported_as_a_module() -> None:
    """Or the two tests above would not see its use."""
    assert [name(path) for path in CODE if "orgs.scope" in imports(path)] == []


def test_templates_have_no_inline_style_or_script() -> None:
    found = {(name(path), inline) for path in TEMPLATES for inline in INLINE.findall(path.read_text())}
    assert found == set()


def test_markup_is_marked_safe_in_few_places() -> None:
    unescaped = re.compile(r"\|\s*safe\b|autoescape off|mark_safe\(")
    found = {name(path) for path in (*TEMPLATES, *CODE) if unescaped.search(path.read_text())}
    assert found == set(MARKED_SAFE)


CSS_FILES = (
    *("vendor/tabler.css", "commonhold.css", "organisations.css", "portal.css", "reference.css", "viewer.css"),
)
UNSTYLED_CLASSES = {
    "notice-info": "a notice without a colour of its own",
}
HOLE = "\0"  # where a template or a format string puts a value


def styled_classes() -> set[str]:
    css = "".join((ROOT / "static" / file).read_text() for file in CSS_FILES)
    without_texts = re.sub(r"/\*.*?\*/|url\([^)]*\)|\"[^\"]*\"", "", css, flags=re.DOTALL)
    return set(re.findall(r"\.(-?[A-Za-z_][\w-]*)", without_texts))


def used_classes(path: Path) -> Iterator[str]:
    """Yield the classes of a template or of markup in Python; what a value completes has a HOLE."""
    text = re.sub(r"{%.*?%}", " ", path.read_text())
    text = re.sub(r"{{.*?}}|{[a-z_.]*}", HOLE, text)
    for value in re.findall(r"""class="([^"]*)"|["']class["']: ["']([^"']*)["']""", text):
        yield from "".join(value).split()


def is_styled(used: str, styled: set[str]) -> bool:
    beginning, hole, _ = used.partition(HOLE)
    return any(known.startswith(beginning) for known in styled) if hole else used in styled


def test_classes_that_pages_use_are_styled() -> None:
    styled = styled_classes()
    pages = [path for path in (*TEMPLATES, *CODE) if not {"admin", "settings.py"} & {*path.parts}]
    unstyled = {(name(path), used) for path in pages for used in used_classes(path) if not is_styled(used, styled)}
    assert {used for _, used in unstyled} == set(UNSTYLED_CLASSES), sorted(unstyled)


def test_files_are_short() -> None:
    long = {name(path) for path in (*CODE, *TEMPLATES) if len(path.read_text().splitlines()) > MOST_LINES}
    assert long == set(LONG_FILES)

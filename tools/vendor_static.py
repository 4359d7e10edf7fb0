"""Make static/vendor/ and static/icons.svg from the pinned npm packages of Tabler, htmx, uPlot and Swagger UI.

Run `python tools/vendor_static.py` after changing a version, a kept class or an icon, and commit the result.
It needs npm, and only to download their archives: nothing of theirs is executed.
"""

import re
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

STATIC = Path(__file__).resolve().parent.parent / "static"
TABLER = "@tabler/core@1.6.1"
TABLER_ICONS = "@tabler/icons@3.51.0"
HTMX = "htmx.org@4.0.1"
UPLOT = "uplot@1.6.32"
SWAGGER_UI = "swagger-ui-dist@5.35.0"

ICONS = """
    activity adjustments alert-circle alert-triangle api apps arrow-left ban books building calendar chart-bar check
    chevron-down chevron-left chevron-right chevron-up chevrons-left circle circle-check circle-x clock code
    copy download edit external-link eye file-import filter history home info-circle key list-check lock
    logout mail menu-2 password player-pause player-play plus refresh search server settings shield-lock tag
    trash upload user user-plus users users-group world x
"""

# The first word of each class that stays: what pages here are made of, out of Tabler's 2,500 classes.
KEPT_FAMILIES = """
    active alert align badge bg border btn card checked col container d datagrid disabled end flex font form
    fs fw g gap gx gy h h1 h2 h3 h4 h5 h6 icon input invalid is justify kbd lead lh list m mb me ms mt mx my
    overflow p pb pe progress ps pt px py required rounded row shadow small start strong subheader table
    text vr visually w
"""
DROPPED = re.compile(
    r"-(xl|xxl|print)(-|$)|-(x|facebook|twitter|linkedin|google|youtube|vimeo|dribbble|github|instagram|pinterest|vk|rss"
    r"|flickr|bitbucket|tabler|indigo|purple|pink|lime|teal|cyan)(-|$)|^bg-(pattern|gradient|gray)|^text-(bg|gray)"
    r"|^(list-group|is-valid|form-(imagecheck|color|floating|range|selectgroup|otp|date|help)|input-icon|rounded-[a-z])"
    r"|^card-(gradient|img|stamp|status|progress|rotate|tabs|cover|borderless|stacked|inactive|active)|^progress-(steps|bar-)"
    r"|^btn-(action|floating|animate|actions|loading)|^table-(mobile|sort)|^(mx|my|ms|me|px|py|pe|ps|align|justify|row)-(sm|md|lg)"
)
OTHER_THEMES = re.compile(
    r"data-bs-(navbar-theme|sidebar|layout)|\[data-theme|^body\[data-bs|not\(\.theme-dark|data-vc|\[style|^\.theme-dark"
)
DARK = re.compile(r"^(?::root)?\[data-bs-theme=dark\]")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        packages = (TABLER, TABLER_ICONS, HTMX, UPLOT, SWAGGER_UI)
        core, icons, htmx, uplot, swagger_ui = (download(package, Path(folder)) for package in packages)
        css = (core / "dist/css/tabler.css").read_text()
        licence = (icons / "LICENSE").read_text()
        write("vendor/tabler.css", banner(css) + subset(css) + "\n")
        write("vendor/LICENSE.tabler.txt", core_licence(css, licence))
        write("vendor/LICENSE.tabler-icons.txt", licence)
        write("icons.svg", sprite(icons / "icons/outline"))
        write("vendor/htmx.js", (htmx / "dist/htmx.min.js").read_text() + "\n")
        write("vendor/LICENSE.htmx.txt", (htmx / "LICENSE").read_text())
        write("vendor/uplot.js", (uplot / "dist/uPlot.iife.min.js").read_text())
        write("vendor/uplot.css", (uplot / "dist/uPlot.min.css").read_text())
        write("vendor/LICENSE.uplot.txt", (uplot / "LICENSE").read_text())
        write("vendor/swagger-ui.js", (swagger_ui / "swagger-ui-bundle.js").read_text())
        write("vendor/swagger-ui.css", without_source_map((swagger_ui / "swagger-ui.css").read_text()))
        write("vendor/LICENSE.swagger-ui.txt", swagger_ui_licence(swagger_ui))


def download(package: str, folder: Path) -> Path:
    target = folder / package.replace("/", "-")
    target.mkdir()
    subprocess.run(["npm", "pack", "--silent", package], cwd=target, check=True)  # noqa: S603, S607
    archive = next(target.glob("*.tgz"))
    with tarfile.open(archive) as tar:
        tar.extractall(target, filter="data")
    return target / "package"


def write(name: str, text: str) -> None:
    path = STATIC / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    print(f"{path.relative_to(STATIC.parent)}: {len(text.encode()):,} bytes")  # noqa: T201


def banner(css: str) -> str:
    """The copyright comment that opens Tabler's file."""
    found = re.search(r"/\*!.*?\*/", css, re.DOTALL)
    return (found.group() if found else "") + "\n"


def core_licence(css: str, icons_licence: str) -> str:
    """MIT, as the package says; its archive lacks the text, so that of the icons lends it."""
    holders = "\n".join(re.findall(r"Copyright .*", banner(css)))
    bootstrap = "With parts of Bootstrap, Copyright 2011-2026 The Bootstrap Authors, same licence."
    return re.sub(r"Copyright \(c\).*", f"{holders}\n{bootstrap}", icons_licence, count=1)


def without_source_map(css: str) -> str:
    return re.sub(r"/\*# sourceMappingURL=.*?\*/", "", css)


def swagger_ui_licence(folder: Path) -> str:
    """Its notice and licence, and those of what is bundled with it."""
    return "\n".join((folder / name).read_text() for name in ("NOTICE", "LICENSE", "swagger-ui-bundle.js.LICENSE.txt"))


def sprite(folder: Path) -> str:
    symbols = "\n".join(symbol(name, (folder / f"{name}.svg").read_text()) for name in sorted(ICONS.split()))
    return f'<svg xmlns="http://www.w3.org/2000/svg">\n{symbols}\n</svg>\n'


def symbol(name: str, svg: str) -> str:
    shapes = re.findall(r"<(?:path|circle|rect|line)[^>]*>", svg)
    paths = [shape for shape in shapes if 'stroke="none"' not in shape]
    return f'<symbol id="{name}" viewBox="0 0 24 24">{"".join(paths)}</symbol>'


def subset(css: str) -> str:
    """The rules whose classes are kept; the dark theme follows the reader's system, not an attribute."""
    css = re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)
    return "".join(rewritten(prelude, body) for prelude, body in rules(css))


def rules(css: str) -> Iterator[tuple[str, str]]:
    """Each top-level rule as (prelude, what its braces hold)."""
    depth, start, opened = 0, 0, 0
    for token in re.finditer(r'"[^"]*"|[{};]', css):
        if token.group() == "{":
            depth += 1
            opened = token.start() if depth == 1 else opened
        elif token.group() == "}":
            depth -= 1
            if depth == 0:
                yield css[start:opened].strip(), css[opened + 1 : token.start()]
        if depth == 0:
            start = token.end()


def rewritten(prelude: str, body: str) -> str:
    if prelude.startswith(("@media", "@supports")):
        inner = "".join(rewritten(*rule) for rule in rules(body))
        return f"{squeezed(prelude)}{{{inner}}}" if inner else ""
    if prelude.startswith("@keyframes"):
        return ""  # nothing kept here moves
    if prelude.startswith("@"):
        return f"{squeezed(prelude)}{{{squeezed(body)}}}"
    selectors = [one.strip() for one in re.split(r",(?![^(\[]*[)\]])", prelude)]
    light = [one for one in selectors if is_kept(one) and "data-bs-theme" not in one]
    dark = [DARK.sub(":root", one) for one in selectors if is_kept(one) and DARK.match(one)]
    return rule(light, body) + in_dark_mode(rule(dark, body))


def is_kept(selector: str) -> bool:
    classes = re.findall(r"\.([A-Za-z][\w-]*)", re.sub(r":not\([^)]*\)", "", selector))
    return not OTHER_THEMES.search(selector) and all(
        name.split("-")[0] in KEPT_FAMILIES.split() and not DROPPED.search(name) for name in classes
    )


def rule(selectors: list[str], body: str) -> str:
    return f"{squeezed(','.join(selectors))}{{{squeezed(body)}}}" if selectors and body.strip() else ""


def in_dark_mode(rule: str) -> str:
    return f"@media (prefers-color-scheme:dark){{{rule}}}" if rule else ""


def squeezed(css: str) -> str:
    """Without the white space that means nothing; strings stay as they are."""
    parts = re.split(r'("[^"]*")', css)
    parts[::2] = [re.sub(r"\s*([{};,>])\s*", r"\1", re.sub(r"\s+", " ", part)) for part in parts[::2]]
    return re.sub(r"(?<=[:;{])\s+|;$", "", "".join(parts).strip())


if __name__ == "__main__":
    main()

"""Builds the documentation into build/site, and fails on what a reader would miss there.

Pages are the Markdown files of the repository, which people read on GitHub, too. On their way to
``build/docs`` their links are turned to the pages of the site, and Mermaid becomes SVG, so that the
site needs no network. It is an error if a link leads to no file or heading, if a public name is
not documented, or if a finished page would fetch anything from elsewhere.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import griffe
import mermaidx

ROOT = Path(__file__).parent.parent
PAGES, SITE = ROOT / "build/docs", ROOT / "build/site"
REPOSITORY = "https://github.com/feature-store-quality/fsq"
# Pages that have another name on the site.
RENAMED = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "benchmarks/README.md": "benchmarks.md",
    "notebooks/README.md": "notebooks.md",
    "docs/README.md": "overview.md",
    "docs/integrations/README.md": "integrations/overview.md",  # like the next
    "docs/decisions/README.md": "decisions.md",  # an index page would take its section's place
}
START = "---\nhide: [navigation]\n---\n\n"  # the start page has no neighbours
ASSETS = {".css", ".gif", ".jpg", ".png", ".svg"}
PIECE = re.compile(
    r"^ *(?P<mark>```+)(?P<language>\w*)[^\n]*\n(?P<body>.*?)^ *(?P=mark) *$"  # a block of code
    r"|`[^`\n]+`"
    r"|(?P<label>!?\[[^\]]*\]\()(?P<target>[^)\s]+)",
    re.MULTILINE | re.DOTALL,
)
DIRECTIVE = re.compile(r"^::: (\S+)", re.MULTILINE)
FETCHED = re.compile(
    r"""<(?:script|img|iframe)\b[^>]+\bsrc=["']?(?:https?:)?//[^\s"'>]+"""
    r"""|<link\b[^>]+\brel=["']?(?:stylesheet|preload|preconnect)[^>]+//[^\s"'>]+""",
)


def find_pages() -> dict[Path, Path]:
    """Map each source, relative to the repository, to its page, relative to the site."""
    pages = {Path(source): Path(page) for source, page in RENAMED.items()}
    for path in (ROOT / "docs").rglob("*.md"):
        source = path.relative_to(ROOT)
        pages.setdefault(source, source.relative_to("docs"))
    return {source: page for source, page in pages.items() if (ROOT / source).exists()}


def copy_page(source: Path, pages: dict[Path, Path], problems: list[str]) -> None:
    """Write one page with its links turned and its diagrams drawn."""
    target = PAGES / pages[source]
    target.parent.mkdir(parents=True, exist_ok=True)
    convert = partial(_convert, source=source, pages=pages, problems=problems)
    text = PIECE.sub(convert, (ROOT / source).read_text("utf-8"))
    target.write_text((START if target == PAGES / "index.md" else "") + text, "utf-8")


def _convert(
    piece: re.Match[str], source: Path, pages: dict[Path, Path], problems: list[str]
) -> str:
    if piece["language"] == "mermaid":
        return _draw(piece["body"], pages[source].with_suffix(f".{piece.start()}"))
    path, hash_, anchor = (piece["target"] or "").partition("#")
    if not path or re.match(r"[a-z]+:", path):
        return piece[0]
    file = Path(os.path.normpath(ROOT / source.parent / path))
    if not file.exists():
        problems.append(f"{source}: no file for the link {piece['target']}")
        return piece[0]
    return piece["label"] + _on_site(file.relative_to(ROOT), pages[source], pages) + hash_ + anchor


def _on_site(file: Path, page: Path, pages: dict[Path, Path]) -> str:
    """The address of a file of the repository, as seen from a page."""
    place = pages.get(file)
    if place is None and file.suffix in ASSETS:
        place = file.relative_to("docs") if file.is_relative_to("docs") else file
        (PAGES / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / file, PAGES / place)
    if place is None:
        return f"{REPOSITORY}/blob/main/{file.as_posix()}"
    return Path(os.path.relpath(place, page.parent)).as_posix()


def _draw(source: str, name: Path) -> str:
    """Draw a diagram for light and for dark pages; its ``accTitle`` describes it."""
    described = re.search(r"^\s*accTitle: *(.+)$", source, re.MULTILINE)
    images = []
    for scheme, theme in (("light", "neutral"), ("dark", "dark")):
        config = {
            "htmlLabels": False,
            "fontFamily": "Arial, Helvetica, sans-serif",
            "flowchart": {"padding": 8, "nodeSpacing": 24, "rankSpacing": 28},
        }
        svg = mermaidx.render(source, theme=theme, config=config).svg()
        width, height = re.search(r'viewBox="\S+ \S+ (\S+) (\S+)"', svg).groups()  # type: ignore[union-attr]
        svg = svg.replace('width="100%"', f'width="{width}" height="{height}"', 1)
        file = PAGES / "diagrams" / f"{name.as_posix().replace('/', '-')}-{scheme}.svg"
        file.parent.mkdir(exist_ok=True)
        file.write_text(svg, "utf-8")
        link = os.path.relpath(file, (PAGES / name).parent)
        text = described[1] if described else "Diagram"
        images.append(f"[![{text}]({link}#only-{scheme})]({link})")
    return "".join(images)


def find_undocumented(pages: dict[Path, Path]) -> Iterator[str]:
    """Yield public names that the reference does not show, or shows without a text."""
    extensions = griffe.load_extensions(str(ROOT / ".ci/docstrings.py"))
    package = griffe.load("fsq", search_paths=[ROOT], extensions=extensions)
    texts = [
        (ROOT / source).read_text("utf-8") for source in pages if source.parts[1:2] == ("api",)
    ]
    shown = {name for text in texts for name in DIRECTIVE.findall(text)}
    for name in package.exports or ():
        if f"fsq.{name}" not in shown:
            yield f"docs/api: no page has '::: fsq.{name}'"
    for name in sorted(shown):
        try:
            found = package[name.removeprefix("fsq.")]
        except KeyError:
            yield f"docs/api: there is no {name}"
        else:
            yield from _find_silent(found)


def _find_silent(shown: griffe.Object | griffe.Alias) -> Iterator[str]:
    if not shown.has_docstring:
        yield f"{shown.filepath}:{shown.lineno}: {shown.path} has no docstring"
    for member in shown.members.values():
        if not member.is_public or member.name.startswith("__"):
            continue
        if not member.is_module and not member.is_attribute:
            yield from _find_silent(member)


def find_fetched() -> Iterator[str]:
    """Yield what a finished page would fetch from another server."""
    for page in sorted(SITE.rglob("*.html")):
        for found in FETCHED.findall(page.read_text("utf-8")):
            yield f"{page.relative_to(ROOT)} fetches {found}"


def main() -> int:
    """Build the site; 1 if anything is wrong."""
    problems: list[str] = []
    pages = find_pages()
    shutil.rmtree(PAGES, ignore_errors=True)
    shutil.copytree(ROOT / "docs/assets", PAGES / "assets")
    for source in pages:
        copy_page(source, pages, problems)
    problems += find_undocumented(pages)
    command = [sys.executable, "-m", "mkdocs", "build", "--strict"]
    quiet = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    built = subprocess.run(command, cwd=ROOT, env=quiet, check=False).returncode
    problems += find_fetched()
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems or built:
        return 1
    print(f"{SITE.relative_to(ROOT)}/index.html: {len(pages)} pages")
    return 0


if __name__ == "__main__":
    sys.exit(main())

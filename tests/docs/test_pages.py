"""The pages are well-formed, their links lead somewhere, and nothing to ask for is missing."""

import re
from pathlib import Path

import pytest
from docutils.core import publish_doctree
from docutils.utils import SystemMessage

from metering import config
from metering.api.app import Services
from metering.api.document.openapi import path_of
from metering.api.reading.calendars import FILLS
from metering.api.reading.conditions import ALIASES, OPERATORS
from metering.api.reading.segments import ABSENT, MERGES
from metering.api.routes import make_routes
from metering.calendar import WEEK_STARTS, Interval
from metering.usage.figures import CARDINALITY_FIELDS, FUNCTIONS, V2_FUNCTIONS

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.rst", ROOT / "CHANGELOG.rst", *sorted((ROOT / "docs").glob("*.rst"))]
STRICT = {"report_level": 2, "halt_level": 2, "warning_stream": ""}

README = (ROOT / "README.rst").read_text(encoding="utf-8")
API = (ROOT / "docs" / "api.rst").read_text(encoding="utf-8")
QUANTITIES = (ROOT / "docs" / "quantities.rst").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_page_is_well_formed(page: Path) -> None:
    """No directive, table or link of a page is broken."""
    try:
        publish_doctree(page.read_text(encoding="utf-8"), str(page), settings_overrides=STRICT)
    except SystemMessage as broken:
        pytest.fail(str(broken))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_to_files_lead_somewhere(page: Path) -> None:
    """A file that a page links to is there."""
    text = page.read_text(encoding="utf-8")
    targets = re.findall(r"<([\w./-]+)>`_|^\\.\\. _.*: ([\w./-]+)$", text, flags=re.MULTILINE)
    missing = [one or two for one, two in targets if not (page.parent / (one or two)).exists()]

    assert [] == missing


PACKAGE = ROOT / "metering"
FOLDERS = [str(one.parent.relative_to(PACKAGE)) for one in PACKAGE.rglob("__init__.py")]


def tree(folder: str) -> list[str]:
    """What the first column of its tree on the page of architecture names, in order."""
    page = (ROOT / "docs" / "architecture.rst").read_text(encoding="utf-8")
    heading = {".": "checks it", "api": "inside ``api``, too"}.get(folder, f"\n``{folder}``")
    _, _, below = page.partition(f"{heading}::\n\n")
    lines, _, _ = below.partition("\n\n")
    return [name for line in lines.splitlines() for name in re.findall(r"\w+", line[:27])]


def sources(folder: str, name: str) -> list[Path]:
    """The files of a module or package."""
    path = PACKAGE / folder / name
    return list(path.rglob("*.py")) if path.is_dir() else [path.with_suffix(".py")]


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_module_is_on_the_page_of_architecture(folder: str) -> None:
    """With what it is there for, and no other."""
    there = [
        one.stem
        for one in (PACKAGE / folder).iterdir()
        if one.stem != "__init__" and (one.suffix == ".py" or (one / "__init__.py").exists())
    ]

    assert sorted(there) == sorted(tree(folder))


@pytest.mark.parametrize("folder", FOLDERS)
def test_modules_import_what_stands_below_them(folder: str) -> None:
    """In the trees of the page, or to the right on their own line."""
    names = tree(folder)
    package = ".".join(["metering", *Path(folder).parts])
    imports = re.compile(
        rf"^ *from {re.escape(package)}(?:\.(\w+)[\w.]* import| import (\w+))", re.MULTILINE
    )
    upward = [
        (name, imported)
        for place, name in enumerate(names)
        for source in sources(folder, name)
        for found in imports.finditer(source.read_text(encoding="utf-8"))
        if (imported := found[1] or found[2]) in names[:place]
    ]

    assert [] == upward


@pytest.mark.parametrize("option", [o.name for _, group in config.list_opts() for o in group])
def test_option_is_in_the_readme(option: str) -> None:
    """Every option stands in the table of the README."""
    assert f"``{option}``" in README


def test_every_route_is_in_the_api_page() -> None:
    """Each path, with each of its methods, stands in the table of endpoints."""
    services = Services(storage=None, recorder=None, access=None, config=None, usage=None)  # type: ignore[arg-type]
    shown = [
        f"{method} {re.sub(r'[{](?:resource|sample)_id}', '{id}', path_of(route))}"
        for route in make_routes(services)
        for method in route.verbs
        if not re.search("alarms", route.template)
    ]

    assert [] == [one for one in shown if f"``{one.replace('* /', 'GET /')}``" not in API]


WORDS = [
    *(*ALIASES, *OPERATORS, *FUNCTIONS, *CARDINALITY_FIELDS, *Interval, *WEEK_STARTS, *FILLS),
    *(*ABSENT, *MERGES),
]


@pytest.mark.parametrize("word", WORDS)
def test_word_is_in_the_api_page(word: str) -> None:
    """Every field, operator and figure that can be asked for is named."""
    assert f"``{word}``" in API


@pytest.mark.parametrize("function", [one for one in FUNCTIONS if one not in V2_FUNCTIONS])
def test_function_is_reckoned_by_hand(function: str) -> None:
    """Each has a heading of the page of quantities, and is asked for there."""
    assert re.search(rf"^.*``{function}``.*\n-{{3,}}$", QUANTITIES, re.MULTILINE)
    assert re.search(rf"aggregate\.func={function}\b", QUANTITIES)

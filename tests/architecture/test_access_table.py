"""Writes the access policy, as the tests hold it, where people read it."""

from collections.abc import Iterator

from django.urls import URLPattern, URLResolver, get_resolver

from portal.environment import BASE
from tests.architecture.test_every_page import ASKED, ASKERS, PAGES, ROWS

DOC = BASE / "docs" / "access.md"
WHO = {
    "nobody": "nobody who has signed in",
    "grace": "the child's guardian",
    "oscar": "another child's guardian",
    "bea+": "a doctor of the hospital that has the child in care, with the family's consent",
    "bea~": "the same doctor, whom the family lets read images alone",
    "bea": "the same doctor without it",
    "alan": "a doctor of the hospital that the child has left",
    "ada": "the admin of that hospital",
    "boris": "the admin of the hospital that has the child in care",
    "carl": "a doctor of a hospital that never saw the child",
    "petra": "the platform's admin",
}
HEAD = """\
# Who gets what

Written by `tests/architecture/test_access_table.py`; every cell is asked for by `tests/architecture/test_every_page.py`, against the
real views and database. The rule behind it stands once, in `records/permissions.py`.

`in`: led to the page where one signs in · 2xx, 3xx: done · 403: refused with a sentence · 404: as if it did not exist
"""


def test_the_table_that_people_read_is_the_one_that_is_tested():
    written = DOC.read_text("utf-8") if DOC.exists() else ""
    table = "".join(f"{line}\n" for line in lines())
    if written != table:
        DOC.write_text(table, "utf-8")
    assert written == table, f"{DOC} was out of date; it has been written anew."


def test_everyone_who_asks_is_explained():
    assert list(WHO) == ASKERS


def lines() -> Iterator[str]:
    yield HEAD
    for asker, what in WHO.items():
        yield f"- **{asker}**: {what}"
    yield ""
    yield f"| | page | address | {' | '.join(WHO)} |"
    yield f"|{'---|' * (len(WHO) + 3)}"
    routes = dict(addresses(get_resolver(), "/"))
    for (method, page), cells in zip(ASKED, ROWS, strict=True):
        shown = ["404" if cell == "." else cell for cell in cells]
        address = routes[PAGES[page].name]
        yield f"| {method} | {page} | `{address}` | {' | '.join(shown)} |"


def addresses(resolver: URLResolver, prefix: str) -> Iterator[tuple[str, str]]:
    """Each page's name with its address, its parts in angle brackets."""
    for pattern in resolver.url_patterns:
        route = f"{prefix}{pattern.pattern}"
        if isinstance(pattern, URLPattern):
            yield str(pattern.name), route
        else:
            yield from addresses(pattern, route)

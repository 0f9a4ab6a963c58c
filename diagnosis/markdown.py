"""Shows Markdown that others wrote as HTML that can do nothing."""

from functools import cache

from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

LOWEST_HEADING = 6


def to_html(text: str) -> SafeString:
    """CommonMark with tables as HTML; markup in the text is shown as text.

    Only links of the schemes http, https and mailto lead anywhere; images are not
    fetched. Headings come one step lower, for the page has one of its own.
    """
    tokens = _parser().parse(text)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(int(token.tag[1]) + 1, LOWEST_HEADING)}"
    html = str(_parser().renderer.render(tokens, _parser().options, {}))
    return mark_safe(html)  # noqa: S308 the parser escapes what it does not write itself


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
    parser.validateLink = _leads_somewhere_safe  # type: ignore[method-assign] # its own hook
    parser.add_render_rule("table_open", _opens_table)
    parser.add_render_rule("table_close", _closes_table)
    return parser


def _leads_somewhere_safe(url: str) -> bool:
    return url.lower().startswith(("http://", "https://", "mailto:", "#"))


def _opens_table(*_: object) -> str:
    # On a phone a wide table is moved sideways, alone.
    return '<div class="wide-table" tabindex="0"><table>\n'


def _closes_table(*_: object) -> str:
    return "</table></div>\n"

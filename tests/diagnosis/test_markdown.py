"""What others wrote in Markdown does nothing but be read."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnosis.grading.manifest import DEFAULT_WEIGHTS
from diagnosis.markdown import to_html

TAGS = {
    *("h1", "h2", "h3", "h4", "h5", "h6", "p", "em", "strong", "code", "pre", "a"),
    *("ul", "ol", "li", "blockquote", "hr", "br", "div"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}


def test_a_card_becomes_a_page():
    card = (DEFAULT_WEIGHTS / "MODEL_CARD.md").read_text()
    html = to_html(card)
    title = card.splitlines()[0].removeprefix("# ")
    assert html.startswith(f"<h2>{title}</h2>")
    assert "<table>" in html
    assert "<strong>" in html
    harmless(str(html))


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "a <img src=x onerror=alert(1)> b",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "<javascript:alert(1)>",
        "![x](https://example.org/pixel.png)",
        '[x](https://example.org "a" onclick="b")',
        '[x](https://example.org/"onclick=alert)',
        "| <iframe src=//x> |\n|---|\n| <b onload=1> |",
        "[x]: javascript:alert(1)\n\n[x]",
        "```<script>\n</code></pre><script>\n```",
    ],
)
def test_markup_and_foreign_schemes_are_text(text: str):
    harmless(str(to_html(text)))


@given(text=st.text("<>[]()!\"'&;:/=`*_#|\\-\n abjvscriptonload&lt", max_size=80))
def test_nothing_that_can_be_written_does_anything(text: str):
    harmless(str(to_html(text)))


def harmless(html: str) -> None:
    for closing, name, rest in re.findall(r"<(/?)([^\s>/]*)([^>]*)>", html):
        assert name in TAGS, html
        if closing:
            assert not rest
        for attribute, value in re.findall(r'([^\s="]+)="([^"]*)"', rest):
            assert attribute in {"href", "title", "class", "start", "tabindex", "style"}
            if attribute == "href":
                assert value.lower().startswith(("http://", "https://", "mailto:", "#"))
            if attribute == "style":
                assert re.fullmatch(r"text-align:(left|right|center)", value)

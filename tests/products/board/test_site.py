"""The frame: one layout, relative links from any depth, a policy that lets nothing else run, the same bytes again."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

import jinja2
import pytest

from dagster_project.core.paths import DataPaths
from dagster_project.products.board.site import HERE, Attachment, Page, Site
from dagster_project.products.charts.standalone import LIGHT
from tests.products.small import readable_release, reading_of

TEMPLATE = """{% extends "layout.html.j2" %}
{% import "macros.html.j2" as m with context %}
{% block innehall %}{{ m.status("ej_uppfyllt", fa=true) }} {{ text }} {{ m.verksamhet("BB") }}
{% call m.tabell("t", "Tabell") %}<tbody><tr><td>{{ m.varde("vantat_kort", 90.0, 1234) }}</td></tr></tbody>{% endcall %}
{% endblock %}"""


def with_template(site: Site) -> Site:
    ours = site.environment.loader
    assert ours is not None
    site.environment.loader = jinja2.ChoiceLoader([jinja2.DictLoader({"prov.html.j2": TEMPLATE}), ours])
    return site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    data = DataPaths(tmp_path / "data")
    return with_template(Site(reading_of(data, readable_release(data)), data))


def page(path: str = "a/b/x.html", text: str = "t") -> Page:
    return Page(path, "Provsida", "prov.html.j2", {"text": text}, "plan")


def test_a_page_is_whole_and_its_texts_are_escaped(site: Site) -> None:
    html = site.render(page(text="<b>å & ö\u202e"))
    assert html.startswith('<!DOCTYPE html>\n<html lang="sv">')
    assert "&lt;b&gt;å &amp; ö⟨U+202E⟩" in html
    assert "Barn &amp; &lt;unga&gt;" in html and "<unga>" not in html
    assert re.findall(r"<h1>(.*?)</h1>", html) == ["Provsida"]
    assert "Inte uppnått" in html and "få fall" in html and "90,0 procent" in html
    assert "30 september 2022" in html and site.reading.release.id in html


@pytest.mark.parametrize(("path", "root"), [("x.html", ""), ("indikator/x.html", "../"), ("a/b/x.html", "../../")])
def test_links_are_relative_from_any_depth(site: Site, path: str, root: str) -> None:
    links = re.findall(r'href="([^"#]+)', site.render(page(path)))
    ours = [link for link in links if not link.startswith("data:")]
    assert f"{root}verksamhet/BB.html" in ours and f"{root}kvalitet.html" in ours
    assert all(link.startswith(root) and not re.match(r"\w+:|/", link) for link in ours)


def test_the_policy_knows_the_styles_and_the_script_and_nothing_else(site: Site) -> None:
    html = site.render(page())
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', html)
    assert policy and "default-src 'none'" in policy[1]
    for tag, directive in (("style", "style-src"), ("script", "script-src")):
        (content,) = re.findall(rf"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{directive} 'sha256-{digest}'" in policy[1]
    assert not re.search(r"<[^>]+\s(?:style|on\w+)=", html)


def test_the_page_one_is_on_is_marked(site: Site) -> None:
    html = site.render(Page("verksamhet/BB.html", "B", "prov.html.j2", {"text": ""}, "verksamheter"))
    assert re.findall(r'<a href="([^"]+)" aria-current="page"', html) == ["../verksamhet/BB.html"]


def test_pages_and_files_are_written_and_a_path_is_used_once(site: Site, tmp_path: Path) -> None:
    site.write(tmp_path / "ut", [page(), Attachment("a/b/x.csv", b"a;b\n")])
    assert (tmp_path / "ut" / "a" / "b" / "x.csv").read_bytes() == b"a;b\n"
    first = (tmp_path / "ut" / "a" / "b" / "x.html").read_bytes()
    assert with_template(Site(site.reading, site.data)).render(page()).encode() == first
    with pytest.raises(ValueError, match="two pages are a/b/x.html"):
        site.write(tmp_path / "ut2", [page(), page()])


# --- Contrast of the two palettes ---------------------------------------------------------------------------------


def palettes() -> dict[str, dict[str, str]]:
    css = (HERE / "tavla.css").read_text(encoding="utf-8")
    blocks = re.findall(r":root \{(.*?)\}", css, re.DOTALL)
    light, dark = (dict(re.findall(r"(--[a-z-]+): (#[0-9a-f]{6});", block)) for block in blocks[:2])
    return {"light": light, "dark": light | dark}


def luminance(colour: str) -> float:
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_text_has_contrast_4_5_and_shapes_3(mode: str) -> None:
    p = palettes()[mode]
    for text in ("--text", "--svag", "--accent"):
        for ground in ("--papper", "--yta", "--accent-yta", "--d-band"):
            assert contrast(p[text], p[ground]) >= 4.5, (text, ground)
    for ground in ("--papper", "--d-band"):
        assert contrast(p["--kant"], p[ground]) >= 3, ground


def test_a_chart_that_stands_alone_has_the_light_palette() -> None:
    light = palettes()["light"]
    same = {"--d-text": "--text", "--d-svag": "--svag", "--d-rad": "--linje", "--d-serie": "--accent"}
    assert {name: LIGHT[name] for name in same} == {name: light[of] for name, of in same.items()}
    assert LIGHT["--d-band"] == light["--d-band"]

"""A chart that stands by itself: in a document, as a picture, as a file to download."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

LIGHT = {
    "--d-yta": "#ffffff",
    "--d-text": "#1c2126",
    "--d-svag": "#5a636d",
    "--d-rad": "#dedbd4",
    "--d-band": "#e9f0f1",
    "--d-serie": "#0a5a68",
}
"""The light palette; `tavla.css` has the same (a test compares them)."""
FONTS = "Liberation Sans, Arial, Helvetica, sans-serif"
_SVG = "http://www.w3.org/2000/svg"


def standalone(svg: str, width: int = 720) -> str:
    """The chart as an SVG document of this width on white, with the light palette written in.

    Shares of the width become places, since not every program that shows SVG stretches a part of one: Word's converter
    and resvg do not.
    """
    root = ElementTree.fromstring(_with_namespace(str(svg)))
    height = float(root.attrib["height"])
    across = float(width) if root.attrib["width"] == "100%" else float(root.attrib["width"])
    out = ElementTree.Element("svg", {"xmlns": _SVG, "role": "img", "class": root.get("class", "")})
    out.attrib |= {
        "width": _short(across),
        "height": _short(height),
        "viewBox": f"-2 0 {_short(across + 4)} {_short(height)}",
    }
    ElementTree.SubElement(out, "title").text = root.get("aria-label", "")
    ElementTree.SubElement(out, "style").text = _style()
    paper = {"x": "-2", "y": "0", "width": _short(across + 4), "height": _short(height), "fill": LIGHT["--d-yta"]}
    ElementTree.SubElement(out, "rect", paper)
    _copy(root, out, across, 1.0)
    return ElementTree.tostring(out, encoding="unicode", short_empty_elements=False)


def _copy(source: ElementTree.Element, target: ElementTree.Element, across: float, stretch: float) -> None:
    """The children of a part, at their places. stretch: pixels per unit across within it."""
    for child in source:
        name = child.tag.rpartition("}")[2]
        if name == "svg" and child.get("viewBox"):
            _copy(child, target, across, across / float(child.attrib["viewBox"].split()[2]))
        elif name == "svg":
            x, y = _place(child.attrib["x"], across, stretch), child.attrib["y"]
            part = ElementTree.SubElement(target, "g", {"transform": f"translate({x} {y})"})
            _copy(child, part, across, stretch)
        else:
            copied = ElementTree.SubElement(target, name, dict(child.attrib))
            for key in ("x", "x1", "x2", "cx", "width"):
                if key in copied.attrib:
                    copied.attrib[key] = _place(copied.attrib[key], across, stretch)
            if "points" in copied.attrib:
                pairs = (p.split(",") for p in copied.attrib["points"].split())
                copied.attrib["points"] = " ".join(f"{_short(float(x) * stretch)},{y}" for x, y in pairs)
            copied.text = child.text
            _copy(child, copied, across, stretch)


def _place(text: str, across: float, stretch: float) -> str:
    return _short(float(text[:-1]) / 100 * across if text.endswith("%") else float(text) * stretch)


def _short(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")


def _with_namespace(svg: str) -> str:
    return svg if "xmlns=" in svg[:200] else svg.replace("<svg", f'<svg xmlns="{_SVG}"', 1)


@cache
def _style() -> str:
    css = Path(__file__).with_name("diagram.css").read_text(encoding="utf-8")
    css = re.sub(r"/\*.*?\*/|@media[^\n]*", "", css, flags=re.DOTALL)
    css = re.sub(r"var\((--[a-z-]+)\)", lambda found: LIGHT[found[1]], css)
    css = re.sub(r"font: 13px/1 [^;]+;", f"font-family: {FONTS}; font-size: 13px;", css)
    return re.sub(r"\s*\n\s*", "\n", css).strip()

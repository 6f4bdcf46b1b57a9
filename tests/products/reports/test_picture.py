"""Charts as pictures: drawn alike on a machine without any font."""

from __future__ import annotations

import os
import struct
import subprocess
import sys

import pytest

from dagster_project.core.paths import PROJECT
from dagster_project.products.reports.picture import png

SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {w} 40" font-family="Arial, sans-serif">{text}</svg>'


def chart(text: str) -> str:
    return SVG.format(w=200, text=f'<text x="5" y="30" font-size="20">{text}</text>')


def test_it_is_a_png_of_the_width_asked_for() -> None:
    content = png(chart("Åäö"), 400)
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", content[16:24]) == (400, 80)


def test_every_sign_that_charts_write_is_drawn() -> None:
    """What a font lacks is drawn as one and the same box."""
    signs = "0123456789åäöÅÄÖ%,.–−<>≥≤+()/ \u202fkrmeltdagsn"
    drawn = {sign: png(chart(sign.replace("<", "&lt;")), 200) for sign in signs if not sign.isspace()}
    assert len(set(drawn.values())) == len(drawn)
    assert png(chart("1\u202f983")) != png(chart("1983"))


def test_no_font_of_the_machine_is_looked_at(tmp_path) -> None:
    """Another home, no fontconfig: the same bytes."""
    code = "import sys; from dagster_project.products.reports.picture import png\n"
    code += "sys.stdout.buffer.write(png(sys.argv[1]))"
    bare = {"HOME": str(tmp_path), "FONTCONFIG_FILE": str(tmp_path / "none"), "PATH": os.environ["PATH"]}
    bare |= {"PYTHONPATH": str(PROJECT), "XDG_DATA_HOME": str(tmp_path)}
    made = subprocess.run([sys.executable, "-c", code, chart("Första 93,7 %")], capture_output=True, env=bare)
    assert made.stdout == png(chart("Första 93,7 %")), made.stderr.decode()


def test_what_is_no_chart_is_refused() -> None:
    with pytest.raises(ValueError):
        png("<svg")

"""A chart as a picture: the same on every machine, with a font that comes with the package."""

from __future__ import annotations

PIXELS = 1448
"""Across a page of text: two for each unit of the chart, some 220 to the inch on paper."""
FONT = "Source Sans Pro"


def png(svg: str, pixels: int = PIXELS) -> bytes:
    """The chart as PNG, on white. No font of the machine is looked at: there may be none. Raises ValueError."""
    import resvg_py
    from font_source_sans_pro import SourceSansPro, SourceSansProBold, SourceSansProSemibold

    return bytes(
        resvg_py.svg_to_bytes(
            svg_string=svg,
            width=pixels,
            background="#ffffff",
            skip_system_fonts=True,
            font_files=[SourceSansPro, SourceSansProSemibold, SourceSansProBold],
            font_family=FONT,
            sans_serif_family=FONT,
            languages=["sv"],
        )
    )

"""Styles that all pages share, inlined or copied into each: pages open from disk and ask no network."""

from __future__ import annotations

from pathlib import Path


def stylesheet(own: Path) -> str:
    """The shared styles followed by a page's own."""
    base = Path(__file__).with_name("base.css")
    return base.read_text(encoding="utf-8") + own.read_text(encoding="utf-8")

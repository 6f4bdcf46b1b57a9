"""Texts from outside as people are shown them, on a terminal as on a page: what would steer the text is named."""

from __future__ import annotations

import unicodedata


def printable(text: str) -> str:
    """`text` with control characters and those that turn the reading direction as their numbers: ⟨U+202E⟩.

    Lines and tabs stay, and spaces of every kind.
    """
    if text.isprintable():
        return text
    return "".join(
        c if c.isprintable() or c in "\n\t" or unicodedata.category(c) == "Zs" else f"⟨U+{ord(c):04X}⟩" for c in text
    )

"""What steers a text is named, what only separates stays."""

from __future__ import annotations

import pytest

from dagster_project.core.printable import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Första besök, 1\u00a0980", "Första besök, 1\u00a0980"),
        ("rad\n\tindragen", "rad\n\tindragen"),
        ("faktura\u202efdp.csv", "faktura⟨U+202E⟩fdp.csv"),
        ("\x1b[2J\x07\x00", "⟨U+001B⟩[2J⟨U+0007⟩⟨U+0000⟩"),
        ("\u2066a\u2028b\x9b", "⟨U+2066⟩a⟨U+2028⟩b⟨U+009B⟩"),
    ],
)
def test_what_steers_text_is_named(text: str, shown: str) -> None:
    assert printable(text) == shown

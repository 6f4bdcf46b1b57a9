"""CSV files that people open: what would steer a terminal, turn the text or run as a formula is named or escaped."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from dagster_project.core.tables import escaped_texts, write_swedish_csv


def test_controls_and_turning_characters_are_named_and_formulas_escaped(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {"a": ["x\x1b[31m", "a\u202eb", "\x9b1m", "=1+1", "två\nrader", "åäö\u00a0", None], "n": range(7)}
    )
    named = ["x⟨U+001B⟩[31m", "a⟨U+202E⟩b", "⟨U+009B⟩1m", "'=1+1", "två\nrader", "åäö\u00a0", None]
    assert escaped_texts(frame)["a"].to_list() == named
    write_swedish_csv(frame, tmp_path / "a.csv")
    written = (tmp_path / "a.csv").read_text(encoding="utf-8-sig")
    assert not set(written) & set("\x1b\x9b\u202e") and "⟨U+009B⟩" in written

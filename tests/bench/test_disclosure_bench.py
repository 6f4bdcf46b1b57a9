"""The benchmark of what is hidden measures what it says, on a small set."""

from __future__ import annotations

from bench.disclosure import measure, synthetic


def test_what_is_hidden_is_counted_by_level_sex_and_period() -> None:
    cells = synthetic(units=6, years=2, verks=2)
    table, control, elimination = measure(cells, ())
    assert table["cells"].sum() == cells.height
    assert set(table["niva"]) == {"enhet", "verksamhet", "omrade"} and set(table["sex"]) == {"T", "K, M"}
    assert (table["limit_alone"] <= table["hidden"]).all() and (table["hidden"] <= table["cells"]).all()
    assert 0 < table["limit_alone"].sum() < table["hidden"].sum()
    assert control > 0 and elimination > 0

"""Disclosure control: hide small protected numbers, and as few others as it takes that none can be computed.

Within one indicator and period the published protected numbers obey linear equations: T = K + M (where the cell has
no O), verksamhet = sum of its units, omrade = sum of its verksamheter. A hidden number is computable exactly when the
system of all these equations, with the hidden numbers as unknowns, determines it: its unit vector then lies in the
row space of the matrix. `docs/disclosure.md` explains the method in words; the tests solve the systems.
"""

from __future__ import annotations

import numpy as np
import polars as pl

CELL = ["indicator_id", "period_typ", "period_start", "niva", "verksamhet", "enhet", "kon"]
SYSTEM = ["indicator_id", "period_typ", "period_start"]
_DETAIL = {"enhet": 0, "verksamhet": 1, "omrade": 2}
_TOLERANCE = 1e-9


def hidden_cells(cells: pl.DataFrame, limit: int = 5, hidden_already: bool = False) -> pl.DataFrame:
    """The cells to hide.

    `cells`: columns CELL plus `protected_number` (the protected number, not null), one row per cell of indicators about
    patients. Returns CELL plus `hidden` (all true) for the cells whose number is 1..limit-1 and those hidden to protect
    them. A shown 0 is never hidden. The result does not depend on the order of the rows. With `hidden_already` a column
    `hidden` says what is hidden from the start: an audit finds out whether more would have to be.
    """
    cells = (
        cells.select(*CELL, "protected_number", *(["hidden"] if hidden_already else []))
        .with_columns(
            detail=pl.col("niva").replace_strict(_DETAIL, return_dtype=pl.Int8),
            whole=(pl.col("kon") == "T").cast(pl.Int8),
        )
        # The order in which cells are given up: smallest first, then detail, then by name.
        .sort("protected_number", "detail", "whole", "verksamhet", "enhet", "kon", *SYSTEM)
        .with_row_index("cell")
        .with_columns(system=pl.struct(SYSTEM).rank("dense"))
    )
    value = cells["protected_number"].to_numpy()
    hidden = (value >= 1) & (value < limit)
    if hidden_already:
        hidden = hidden | cells["hidden"].to_numpy()
    if hidden.any():
        affected = cells.filter(pl.Series(hidden))["system"].unique()
        members = _equations(cells.filter(pl.col("system").is_in(affected.implode())))
        system = cells["system"].to_numpy()
        open_systems = affected.to_numpy()
        while len(open_systems):
            _close(hidden, members, system)
            open_systems = _close_combinations(hidden, members, system, open_systems)
    return cells.filter(pl.Series(hidden)).select(CELL).with_columns(hidden=pl.lit(True))


def _equations(cells: pl.DataFrame) -> pl.DataFrame:
    """Members of every equation that holds: columns equation, cell, sign (+1 the sum, -1 its parts); zeros left out."""

    def keyed(frame: pl.DataFrame, kind: int, by: list[str], whole: pl.Expr) -> pl.DataFrame:
        return frame.select(
            pl.struct(pl.lit(kind).alias("kind"), *by).alias("equation"),
            "cell",
            "protected_number",
            pl.when(whole).then(1).otherwise(-1).alias("sign"),
        ).with_columns(pl.col("equation").struct.json_encode())

    def part(kind: int, levels: tuple[str, str], by: list[str]) -> pl.DataFrame:
        return keyed(cells.filter(pl.col("niva").is_in(levels)), kind, by, pl.col("niva") == levels[0])

    members = pl.concat(
        [
            keyed(cells, 0, ["system", "niva", "verksamhet", "enhet"], pl.col("kon") == "T"),
            part(1, ("verksamhet", "enhet"), ["system", "verksamhet", "kon"]),
            part(2, ("omrade", "verksamhet"), ["system", "kon"]),
        ]
    )
    holds = members.group_by("equation").agg(
        (pl.col("protected_number") * pl.col("sign")).sum().abs().alias("rest"),
        (pl.col("sign") == 1).sum().alias("sums"),
        pl.len().alias("size"),
    )
    # Persons in two units, or cells with O, do not add up: no subtraction leads anywhere there.
    holds = holds.filter((pl.col("rest") < _TOLERANCE) & (pl.col("sums") == 1) & (pl.col("size") > 1))
    return (
        members.join(holds.select("equation"), on="equation", how="semi")
        .filter(pl.col("protected_number") != 0)
        .select(pl.col("equation").rank("dense").cast(pl.Int64) - 1, pl.col("cell").cast(pl.Int64), "sign")
        .sort("equation", "cell")
    )


def _close(hidden: np.ndarray, members: pl.DataFrame, system: np.ndarray) -> None:
    """Hide until no equation has exactly one hidden member; one cell per system and round, the first in order."""
    equation, cell = members["equation"].to_numpy(), members["cell"].to_numpy()
    if not len(equation):
        return
    count = equation.max() + 1
    while True:
        broken = np.bincount(equation[hidden[cell]], minlength=count) == 1
        active = broken[equation] & ~hidden[cell]
        if not active.any():
            return
        candidates = np.unique(cell[active])  # sorted: the row order is the order of giving up
        _, first = np.unique(system[candidates], return_index=True)
        hidden[candidates[first]] = True


def _close_combinations(
    hidden: np.ndarray, members: pl.DataFrame, system: np.ndarray, open_systems: np.ndarray
) -> np.ndarray:
    """Look for hidden numbers that several equations together determine; hide one more cell in each such system.

    Only `open_systems` are looked at; returns those that changed and must be looked at again.
    """
    equation, cell, sign = (members[c].to_numpy() for c in ("equation", "cell", "sign"))
    looked_at = np.flatnonzero(np.isin(system[cell], open_systems))
    looked_at = looked_at[np.argsort(system[cell[looked_at]], kind="stable")]
    borders = np.flatnonzero(np.diff(system[cell[looked_at]])) + 1
    changed = []
    solved: dict[tuple[tuple[int, ...], bytes], np.ndarray] = {}
    for part in np.split(looked_at, borders):
        unknown = part[hidden[cell[part]]]
        if not len(unknown):
            continue
        equations, i = np.unique(equation[unknown], return_inverse=True)
        unknowns, j = np.unique(cell[unknown], return_inverse=True)
        matrix = np.zeros((len(equations), len(unknowns)))
        matrix[i, j] = sign[unknown]
        pattern = (matrix.shape, matrix.tobytes())
        if pattern not in solved:
            solved[pattern] = determined(matrix)
        for index in np.flatnonzero(solved[pattern])[:1]:
            combination = np.linalg.lstsq(matrix.T, np.eye(len(unknowns))[index], rcond=None)[0]
            used = equations[np.abs(combination) > _TOLERANCE]
            shown = part[~hidden[cell[part]]]
            # The combination equals shown numbers that are not all 0 (a hidden one is at least 1): one can be hidden.
            hidden[cell[shown][np.isin(equation[shown], used)].min()] = True
            changed.append(system[cell[part[0]]])
    return np.array(changed)


def determined(matrix: np.ndarray) -> np.ndarray:
    """Which unknowns the homogeneous system `matrix @ x = 0` fixes: those without a part in its null space."""
    eigenvalues, vectors = np.linalg.eigh(matrix.T @ matrix)
    return (vectors[:, eigenvalues < 1e-9] ** 2).sum(axis=1) < _TOLERANCE

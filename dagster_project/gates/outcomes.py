"""What expectations found: plain values, kept in the run folder per gate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields

import polars as pl

from dagster_project.catalogue.vocabulary import GATES, TIERS, consequence, outcome_of
from dagster_project.core.errors import ResultattavlaError
from dagster_project.runs.folder import RunFolder
from dagster_project.runs.history import CheckRecord

GATE_TITLES = dict(
    zip(TIERS, ("Leveranser", "Förändringar i leveranserna", "Bearbetade tabeller", "Resultat"), strict=True)
)
"""Of the gates, and of the tier that is judged with the first of them."""

OUTCOME_SCHEMA: dict[str, pl.DataType] = {
    "gate": pl.String(),
    "suite": pl.String(),
    "source": pl.String(),
    "expectation": pl.String(),
    "severity": pl.String(),
    "success": pl.Boolean(),
    "checked": pl.Int64(),
    "unexpected": pl.Int64(),
    "share": pl.Float64(),
    "observed": pl.String(),
    "titel": pl.String(),
    "betydelse": pl.String(),
    "atgard": pl.String(),
    "marks": pl.Boolean(),
    "undantag": pl.String(),
    "limit": pl.Float64(),
}


@dataclass(frozen=True)
class Outcome:
    """What one expectation found in one table. ``gate`` is its tier (`TIERS`).

    ``checked`` and ``unexpected`` are rows (groups of rows where the expectation counts groups), ``share`` is
    unexpected/checked (0-1, None when nothing was checked); ``observed`` is the measured value of an expectation about
    one number (largest age, row count), or the names of what failed (columns, files, units) where it names them. All
    four are None where the expectation has no such figure. ``marks``: whether a warning marks the source's indicators.
    ``undantag`` is the text of the waiver that covers the failure (see ``waivers``). ``limit`` is what the measured
    value is held against, in its unit (`parameters.limit_of`); None where only none is allowed. How people read all
    this is `products.measured`'s matter.
    """

    gate: str
    suite: str
    source: str
    expectation: str
    severity: str
    success: bool
    checked: int | None
    unexpected: int | None
    share: float | None
    observed: str | None
    titel: str
    betydelse: str
    atgard: str
    marks: bool = True
    undantag: str | None = None
    limit: float | None = None

    @property
    def consequence(self) -> str:
        """What a failure counts as: its severity, or one step milder when it is waived."""
        return consequence(self.severity, self.undantag is not None)

    def record(self) -> CheckRecord:
        """The outcome as the history of runs keeps it."""
        return CheckRecord(**{f.name: getattr(self, f.name) for f in fields(CheckRecord)})


def outcome_frame(outcomes: Sequence[Outcome]) -> pl.DataFrame:
    """Outcomes as a table (OUTCOME_SCHEMA): one row per expectation and source."""
    return pl.DataFrame([asdict(o) for o in outcomes], schema=OUTCOME_SCHEMA)


def read_outcomes(folder: RunFolder, gate: str, run_id: str) -> list[Outcome]:
    """The kept outcomes of a gate. Raises ResultattavlaError when the gate was not run on exactly this run's inputs."""
    outcomes = _outcomes_of(folder, gate, run_id)
    if not outcomes:
        raise ResultattavlaError(
            f"Grinden {GATE_TITLES[gate]} är inte prövad för den här körningens leveranser: kör hela jobbet igen."
        )
    return outcomes


def outcomes_so_far(folder: RunFolder, run_id: str) -> list[Outcome]:
    """Outcomes of the gates that were run on this run's inputs; a stopped run has fewer, a damaged file none."""
    return [o for gate in GATES for o in _outcomes_of(folder, gate, run_id)]


def _outcomes_of(folder: RunFolder, gate: str, run_id: str) -> list[Outcome]:
    frame = folder.outcomes(gate, run_id)
    if frame is None or not set(OUTCOME_SCHEMA) <= set(frame.columns):
        return []
    return [Outcome(**row) for row in frame.select(list(OUTCOME_SCHEMA)).iter_rows(named=True)]


def source_outcome(outcomes: Sequence[Outcome], source: str) -> str:
    """A source's outcome over its gates: godkand, varning or underkand."""
    return outcome_of(o.consequence for o in outcomes if o.source == source and not o.success)

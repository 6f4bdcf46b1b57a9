"""Waivers: known and accepted failures, each one line of `expectations/waivers.csv` with a reason and a last date.

A waiver names one expectation of one suite for one source, nothing wider. It makes that failure count one step milder
(`vocabulary.consequence`), and it is shown wherever the failure is. The last date is compared with the run's as-of
date, never with the clock, so that a past day comes out the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from dagster_project.catalogue.vocabulary import CRITICAL, RESULTS, TIERS
from dagster_project.core.errors import ResultattavlaError
from dagster_project.core.reviewed import ReviewedListError, checked_lines, is_date
from dagster_project.gates.outcomes import Outcome
from dagster_project.gates.suites import SUITES, Suite, gate_tables, suites_for

COLUMNS = ("suite", "expectation", "source", "reason", "approved_by", "last_date")


class WaiverError(ResultattavlaError):
    """The waiver file cannot be used: the message names the file, the line and what to do."""


@dataclass(frozen=True)
class Waiver:
    """One line: what is waived (suite, expectation id, source), why, by whom, and the last as-of date it holds."""

    suite: str
    expectation: str
    source: str
    reason: str
    approved_by: str
    last_date: date
    line: int | None = None

    @property
    def names(self) -> tuple[str, str, str]:
        return self.suite, self.expectation, self.source

    @property
    def text(self) -> str:
        """The waiver as a reader is told it."""
        return f"till och med {self.last_date}: {self.reason} ({self.approved_by})"

    def as_dict(self) -> dict[str, str]:
        """The waiver as the run's state and the manifest show it; its place in the file is no part of it."""
        return {name: str(getattr(self, name)) for name in COLUMNS}

    @staticmethod
    def from_dict(content: Mapping[str, str]) -> Waiver:
        """The waiver of `as_dict`."""
        names = {name: content[name] for name in COLUMNS}
        return Waiver(**{**names, "last_date": date.fromisoformat(names["last_date"])})  # type: ignore[arg-type]


def load_waivers(path: Path, suites_root: Path, tables: Mapping[str, Iterable[str]]) -> list[Waiver]:
    """Read and check the file; `tables`: the sources that each gate judges. A missing file is an empty one.

    Raises WaiverError with every fault found, one sentence each: wrong columns, an empty cell, no valid date, a suite,
    expectation or source that does not exist, an expectation that may not be waived, the same failure waived twice.
    """
    try:
        lines = checked_lines(
            path,
            COLUMNS,
            lambda cells: _fault(cells, suites_root, tables),
            once="undantag",
            named_by=("suite", "expectation", "source"),
        )
    except ReviewedListError as error:
        raise WaiverError(str(error)) from error
    return [replace(Waiver.from_dict(dict(zip(COLUMNS, cells, strict=True))), line=line) for line, cells in lines]


def _fault(cells: Sequence[str], root: Path, tables: Mapping[str, Iterable[str]]) -> str | None:
    """What is wrong with one line, or None."""
    suite_name, expectation, source, *_, last_date = cells
    if not is_date(last_date):
        return f"last_date {last_date} är inget datum (ÅÅÅÅ-MM-DD)"
    gate = suite_name.split("/")[0]
    if gate not in TIERS:
        return f"sviten {suite_name} finns inte (den ska börja med {', '.join(f'{g}/' for g in TIERS)})"
    if source not in tables[gate]:
        return f"källan {source} finns inte i grinden {gate} ({', '.join(tables[gate])})"
    suites: dict[str, Suite] = {s.name: s for s in suites_for(root, gate, source)}
    if suite_name not in suites:
        return f"sviten {suite_name} finns inte för {source} ({', '.join(suites)})"
    known = {e["meta"]["id"]: e for e in suites[suite_name].expectations}
    if expectation not in known:
        return f"förväntan {expectation} finns inte i {suite_name} ({', '.join(known)})"
    if not may_be_waived(gate, known[expectation]["severity"]):
        return f"{suite_name} {expectation} får inte undantas: den skyddar det publicerade resultatet"
    return None


def may_be_waived(gate: str, severity: str) -> bool:
    """What stops the results gate guards integrity and confidentiality of the release itself: nobody may waive it."""
    return not (gate == RESULTS and severity == CRITICAL)


def expired(waivers: Iterable[Waiver], as_of: date) -> list[Waiver]:
    """Waivers whose last date has passed on the run's day."""
    return [w for w in waivers if w.last_date < as_of]


def require_current(waivers: Iterable[Waiver], as_of: date, path: Path) -> None:
    """Raise WaiverError, one sentence per expired waiver: what was accepted for a time has to be looked at again."""
    late = expired(waivers, as_of)
    if late:
        raise WaiverError(
            "\n".join(
                f"{path}, rad {w.line}: undantaget för {w.suite} {w.expectation} ({w.source}) gick ut {w.last_date} "
                f"och körningen gäller {as_of}: ta bort raden eller låt den som ansvarar förnya den."
                for w in late
            )
        )


def apply_waivers(outcomes: Iterable[Outcome], waivers: Iterable[Waiver]) -> list[Outcome]:
    """Outcomes with the waiver's text where a failure is waived; passed expectations are left as they are."""
    by_name = {w.names: w for w in waivers}
    return [
        replace(o, undantag=waiver.text)
        if not o.success and (waiver := by_name.get((o.suite, o.expectation, o.source)))
        else o
        for o in outcomes
    ]


def load_run_waivers(path: Path) -> list[Waiver]:
    """The waivers of a file, checked against the suites. Raises WaiverError."""
    return load_waivers(path, SUITES, gate_tables())

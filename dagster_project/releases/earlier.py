"""Numbers that a release hides and an older kept one shows: no leak of today's, and something to know of."""

from __future__ import annotations

import polars as pl

from dagster_project.catalogue.vocabulary import HIDDEN, RESULT_TABLE
from dagster_project.core.files import replacing
from dagster_project.core.paths import DataPaths
from dagster_project.releases.store import releases
from dagster_project.releases.tables import RESULT_KEY

LOOKED_THROUGH = 30
"""Older releases that are compared, the newest first: one a day for a month."""


_KEPT = "visade_forut.parquet"
"""Below `data.history`: the latest answer, with what it was asked of."""
_ASKED = "asked"


def shown_before(data: DataPaths, release_id: str | None) -> pl.DataFrame:
    """Cells that a release hides and one of the LOOKED_THROUGH releases before it shows with a number.

    Columns RESULT_KEY and `visad_i` (the newest such release), sorted; never the number. Empty where the release is not
    kept. A correction that made a number smaller is the ordinary cause (disclosure.md, between releases). Releases do
    not change: while the same ones are kept, the answer is read instead of all of them.
    """
    found = releases(data, retracted=True)  # what a retracted one told is known too
    at = next((i for i, release in enumerate(found) if release.id == release_id), None)
    if at is None:
        return _NOTHING
    older = found[at + 1 : at + 1 + LOOKED_THROUGH]
    asked = " ".join(release.id for release in (found[at], *older))
    if (kept := _kept(data, asked)) is not None:
        return kept
    hidden = found[at].scan(RESULT_TABLE).filter(pl.col("status") == HIDDEN).select(RESULT_KEY).collect()
    told, damaged = [_NOTHING], False
    for release in older:
        if hidden.height == 0:
            break
        try:
            shown = release.scan(RESULT_TABLE).filter(pl.any_horizontal(pl.col("taljare", "namnare").is_not_null()))
            rows = hidden.join(shown.select(RESULT_KEY).collect(), on=RESULT_KEY, how="semi", nulls_equal=True)
        except (OSError, pl.exceptions.PolarsError):
            damaged = True  # or of another contract: nobody reads these cells there
            continue
        told.append(rows.with_columns(visad_i=pl.lit(release.id)).select(_NOTHING.columns))
        hidden = hidden.join(rows, on=RESULT_KEY, how="anti", nulls_equal=True)
    answer = pl.concat(told).sort(RESULT_KEY, nulls_last=False)
    if not damaged:  # what is damaged may be restored
        data.history.mkdir(parents=True, exist_ok=True)
        with replacing(data.history / _KEPT) as part:
            answer.write_parquet(part, metadata={_ASKED: asked})
            part.chmod(0o600)  # written among the pages, which others may read
    return answer


_NOTHING = pl.DataFrame(schema={**dict.fromkeys(RESULT_KEY, pl.String), "period_start": pl.Date, "visad_i": pl.String})


def _kept(data: DataPaths, asked: str) -> pl.DataFrame | None:
    """The answer to the same question, where it is kept whole."""
    path = data.history / _KEPT
    try:
        return pl.read_parquet(path) if pl.read_parquet_metadata(path).get(_ASKED) == asked else None
    except (OSError, pl.exceptions.PolarsError):
        return None

"""Numbers that a release hides and an older kept one shows: no leak of today's, and something to know of."""

from __future__ import annotations

import polars as pl

from dagster_project.catalogue.vocabulary import HIDDEN, RESULT_TABLE
from dagster_project.core.paths import DataPaths
from dagster_project.releases.store import releases
from dagster_project.releases.tables import RESULT_KEY

LOOKED_THROUGH = 30
"""Older releases that are compared, the newest first: one a day for a month."""


def shown_before(data: DataPaths, release_id: str | None) -> pl.DataFrame:
    """Cells that a release hides and one of the LOOKED_THROUGH releases before it shows with a number.

    Columns RESULT_KEY and `visad_i` (the newest such release), sorted; never the number. Empty where the release is not
    kept. A correction that made a number smaller is the ordinary cause (disclosure.md, between releases).
    """
    found = releases(data, retracted=True)  # what a retracted one told is known too
    nothing = pl.DataFrame(
        schema={**dict.fromkeys(RESULT_KEY, pl.String), "period_start": pl.Date, "visad_i": pl.String}
    )
    at = next((i for i, release in enumerate(found) if release.id == release_id), None)
    if at is None:
        return nothing
    hidden = found[at].scan(RESULT_TABLE).filter(pl.col("status") == HIDDEN).select(RESULT_KEY).collect()
    told = [nothing]
    for older in found[at + 1 : at + 1 + LOOKED_THROUGH]:
        if hidden.height == 0:
            break
        try:
            shown = older.scan(RESULT_TABLE).filter(pl.any_horizontal(pl.col("taljare", "namnare").is_not_null()))
            rows = hidden.join(shown.select(RESULT_KEY).collect(), on=RESULT_KEY, how="semi", nulls_equal=True)
        except (OSError, pl.exceptions.PolarsError):
            continue  # damaged, or of another contract: nobody reads these cells there
        told.append(rows.with_columns(visad_i=pl.lit(older.id)).select(nothing.columns))
        hidden = hidden.join(rows, on=RESULT_KEY, how="anti", nulls_equal=True)
    return pl.concat(told).sort(RESULT_KEY, nulls_last=False)

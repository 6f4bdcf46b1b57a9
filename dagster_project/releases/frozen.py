"""Rows of indicators that are held back: carried forward from the newest release in which they passed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence

import polars as pl

from dagster_project.catalogue.vocabulary import FROZEN, RESULT_TABLE
from dagster_project.core.paths import DataPaths
from dagster_project.releases.store import Release, releases
from dagster_project.releases.tables import RESULT_SCHEMA
from dagster_project.runs.identity import RunIdentity


def frozen_rows(data: DataPaths, identity: RunIdentity, held_back: Mapping[str, Sequence[str]]) -> pl.DataFrame:
    """Rows of held-back indicators from the newest release in which they passed, up to this run's day.

    They keep the release id that computed them; `kvalitet` becomes fryst. Rows hidden under a lower limit than
    today's are not taken: they could show what is hidden now. RESULT_SCHEMA; empty when there is nothing to carry.
    """
    frames = [pl.DataFrame(schema=RESULT_SCHEMA)]
    wanted = set(held_back)
    limit = identity.parameters["suppression_limit"]
    for release in releases(data) if wanted else []:
        passed = wanted - set(release.held_back)
        if (
            passed
            and release.as_of <= str(identity.as_of)
            and release.manifest.suppression_limit >= limit
            and release.whole
        ):
            rows = release.table(RESULT_TABLE)
            if dict(rows.schema) != RESULT_SCHEMA:
                continue  # of another version of the contract
            frames.append(rows.filter(pl.col("indicator_id").is_in(passed)).with_columns(kvalitet=pl.lit(FROZEN)))
            wanted -= passed
    return pl.concat(frames)


def frozen_in(release: Release) -> pl.DataFrame:
    """The frozen rows of a release, RESULT_SCHEMA."""
    return release.table(RESULT_TABLE).filter(pl.col("kvalitet") == FROZEN)


def combined_id(identity: RunIdentity, frozen: pl.DataFrame) -> str:
    """The release's id: the run's own, or, with frozen rows, one that also says where those come from."""
    if frozen.height == 0:
        return identity.run_id
    origin = list(origins(frozen).items())
    digest = hashlib.sha256(json.dumps([identity.run_id, origin]).encode()).hexdigest()
    return f"{identity.as_of}-{digest[:12]}"


def origins(frozen: pl.DataFrame) -> dict[str, str]:
    """Frozen indicator -> the release that computed its rows."""
    return dict(sorted(frozen.select("indicator_id", "release_id").unique().iter_rows()))

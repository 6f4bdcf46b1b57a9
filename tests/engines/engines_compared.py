"""What differs between the releases of two engines."""

from __future__ import annotations

from dagster_project.core.paths import DataPaths
from dagster_project.releases.store import current_release

KEYS = {
    "indicator_result": ["indicator_id", "niva", "verksamhet", "enhet", "period_typ", "period_start", "kon"],
    "signal": ["indicator_id", "niva", "verksamhet"],
    "indicator": ["indicator_id"],
}


def differences(one: DataPaths, other: DataPaths) -> list[str]:
    """What differs between the current releases of two data folders: rows, texts, or numbers by more than 1e-9."""
    found = []
    for name, key in KEYS.items():
        here, there = (
            release.table(name).drop("release_id", strict=False).sort(key, nulls_last=True)
            for data in (one, other)
            if (release := current_release(data)) is not None
        )
        if here.schema != there.schema or here.height != there.height:
            found.append(f"{name}: {here.height} and {there.height} rows, {here.schema} and {there.schema}")
            continue
        for column, kind in here.schema.items():
            a, b = here[column], there[column]
            wrong = ~a.eq_missing(b)
            if kind.is_float():
                wrong &= ~((a - b).abs() <= 1e-9).fill_null(False)
            if wrong.any():
                rows = here.filter(wrong).select(key).head(3).rows()
                found.append(
                    f"{name}.{column}: {wrong.sum()} of {len(a)}, {rows}, {a.filter(wrong)[0]} {b.filter(wrong)[0]}"
                )
    return found

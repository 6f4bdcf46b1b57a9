"""What a published set of cells tells of small numbers, given the true ones."""

from __future__ import annotations

from operator import itemgetter
from typing import Any

import numpy as np

from .results import NUMBER_COLUMNS, is_primary

KEY = ("indicator_id", "niva", "verksamhet", "enhet", "period_typ", "period_start", "kon")


key_of = itemgetter(*KEY)
"""The key of a row of indicator_result, a tuple."""


def describe(key: tuple[Any, ...]) -> str:
    """A row's key in a sentence."""
    return " ".join("-" if part is None else str(part) for part in key)


def determined(hidden: list[Any], equations: list[tuple[list[Any], list[int]]]) -> list[Any]:
    """The unknowns whose value the linear equations determine (unknowns and their signs; the rest is known)."""
    if not hidden or not equations:
        return []
    place = {cell: index for index, cell in enumerate(hidden)}
    matrix = np.zeros((len(equations), len(hidden)))
    for line, (cells, signs) in enumerate(equations):
        for cell, sign in zip(cells, signs, strict=True):
            matrix[line, place[cell]] += sign
    _, singular, vectors = np.linalg.svd(matrix)
    rank = int((singular > 1e-9).sum())
    null_space = vectors[rank:]
    if null_space.shape[0] == 0:
        return list(hidden)
    return [cell for cell in hidden if np.abs(null_space[:, place[cell]]).max() < 1e-9]


def check_disclosure(rows_published: list[dict[str, Any]], rows_true: list[dict[str, Any]]) -> list[str]:
    """What the published rows disclose, or hide in vain, given the true rows of ``indicator_result``."""
    faults: list[str] = []
    truth = {key_of(row): row for row in rows_true}
    published = {key_of(row): row for row in rows_published}
    groups: dict[tuple[Any, ...], list[tuple[Any, ...]]] = {}
    for key, row in published.items():
        if key not in truth:
            continue
        true = truth[key]
        secret = is_primary(true["_skyddat"]) and true["_patient"]
        is_hidden = row["status"] == "dold"
        if secret and not is_hidden:
            faults.append(f"protected number is shown: {describe(key)}")
        if is_hidden:
            if not true["_patient"]:
                faults.append(f"hidden, but not about patients: {describe(key)}")
            elif not true["_skyddat"]:
                faults.append(f"hidden although there is nothing (or 0) to hide: {describe(key)}")
            shown = [name for name in NUMBER_COLUMNS if row[name] is not None]
            if shown:
                faults.append(f"hidden row shows {', '.join(shown)}: {describe(key)}")
            if true["_relativt"] and row["malvarde"] is not None:
                faults.append(f"hidden row shows a relative target: {describe(key)}")
        if is_hidden != (row["markering"] == "MSK"):
            faults.append(f"markering {row['markering']} does not go with status {row['status']}: {describe(key)}")
        if row["jamforelse_varde"] is not None or row["forandring"] is not None:
            start = key[5].replace(year=key[5].year - 1)
            earlier = published.get((*key[:5], start, key[6]))
            if earlier is not None and earlier["status"] == "dold":
                faults.append(f"comparison shows the hidden cell of the year before: {describe(key)}")
            if true["_patient"] and is_primary(true["_jamforelse_skyddat"]):
                faults.append(f"comparison shows a protected number of the year before: {describe(key)}")
        if true["_patient"] and true["_skyddat"] is not None:
            groups.setdefault((key[0], key[4], key[5]), []).append(key)
    for group, keys in groups.items():
        for key in solvable(keys, published, truth):
            faults.append(f"hidden number can be computed ({describe(group)}): {describe(key)}")
    for key, row in published.items():
        if key[0] == "gas_antal":
            twin = published.get(("gas_t_forandring", *key[1:]))
            if twin is not None and (twin["status"] == "dold") != (row["status"] == "dold"):
                faults.append(f"gas_antal and gas_t_forandring hide different cells: {describe(key)}")
    return faults


def solvable(
    keys: list[tuple[Any, ...]],
    published: dict[tuple[Any, ...], dict[str, Any]],
    truth: dict[tuple[Any, ...], dict[str, Any]],
) -> list[tuple[Any, ...]]:
    """The hidden cells of one (indicator, period) that follow from the shown ones by addition and subtraction."""
    hidden = [key for key in keys if published[key]["status"] == "dold"]
    if not hidden:
        return []
    number = {key: truth[key]["_skyddat"] for key in keys}
    sums: list[tuple[tuple[Any, ...], list[tuple[Any, ...]]]] = []
    for key in keys:
        sexes = [(*key[:6], "K"), (*key[:6], "M")]
        if key[6] == "T" and all(k in number for k in sexes):
            sums.append((key, sexes))
        if key[1] == "verksamhet":
            sums.append((key, [k for k in keys if k[1] == "enhet" and k[2] == key[2] and k[6] == key[6]]))
        if key[1] == "omrade":
            sums.append((key, [k for k in keys if k[1] == "verksamhet" and k[6] == key[6]]))
    unknown = set(hidden)
    equations = []
    for total, parts in sums:
        if number[total] != sum(number[part] for part in parts):
            continue
        cells = [cell for cell in (total, *parts) if cell in unknown]
        if cells:
            equations.append((cells, [1 if cell == total else -1 for cell in cells]))
    return determined(hidden, equations)

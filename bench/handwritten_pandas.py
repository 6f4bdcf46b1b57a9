"""The same work as somebody with pandas and Great Expectations would do it: one process, frames in memory.

`python -m bench.handwritten_pandas RAW OUT.parquet` reads the generated files below RAW, lets Great Expectations judge
each source by what its contract demands of a row, sets the rows that fail aside, and writes the cells of
`bench/handwritten.sql`. No ledger, no typed store, no drift, no disclosure control.

Written as such scripts are written well: the quick reader, categories instead of texts where there are few values, no
row loops, months summed once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.handwritten import INDICATORS

if TYPE_CHECKING:
    import pandas as pd

FIRST_MONTH, LAST_MONTH = "2018-01", "2022-12"
LENGTHS = {"manad": 1, "tertial": 4, "delar": 8, "ar": 12, "r12": 12}
FIRST_OF = {"tertial": (1, 5, 9), "delar": (1,), "ar": (1,)}
"""Period type -> its number of months, and the calendar months in which one begins (every month, of the others)."""
CODES = (
    "DV111", "DV112", "DV113", "DV121", "DV122", "DV123", "DV131", "DV132", "DV133", "DV141", "DV142", "DV143", "DV200",
)  # fmt: skip
LEVELS = {"omrade": [], "verksamhet": ["verksamhet"], "enhet": ["verksamhet", "enhet"]}
CELL = ["indicator_id", "niva", "verksamhet", "enhet", "period_typ", "period_start", "kon"]
KEYS = {"vantetider": ["vardkontakt_id", "status", "manad_rad"], "kva": ["vardkontakt_id", "kva_kod"]}
DATES = {"vantetider": ("beslut_datum", "start_datum"), "kva": ("atgardsdatum",)}
FEW_VALUES = ("status", "matperiod", "vardgaranti", "hsaid_enhet", "kon", "kva_kod", "makulerad")


def read(folder: Path) -> pd.DataFrame:
    """All rows of a source, oldest file first, with the number of their file."""
    import pandas as pd

    frames = []
    for number, path in enumerate(sorted(folder.glob("*.csv"))):
        frame = pd.read_csv(path, sep=";", encoding="utf-8-sig", engine="pyarrow", dtype_backend="pyarrow")
        frame = frame.drop(columns=frame.columns.difference(_WANTED))
        frames.append(frame.assign(fil=number))
    rows = pd.concat(frames, ignore_index=True)
    for column in rows.columns.intersection(FEW_VALUES):
        rows[column] = rows[column].astype("str").astype("category")
    for column in ("vardkontakt_id", "personnummer"):
        if column in rows:
            rows[column] = rows[column].astype("str")
    for column in rows.columns.intersection([c for columns in DATES.values() for c in columns]):
        rows[column] = pd.to_datetime(rows[column].astype("str"), format="%Y-%m-%d", errors="coerce").astype(
            "datetime64[s]"
        )
    return rows


_WANTED = (
    "vardkontakt_id", "status", "matperiod", "fas", "vardgaranti", "avvikelsekod", "beslut_datum", "start_datum",
    "hsaid_enhet", "kon", "makulerad", "kva_kod", "personnummer", "atgardsdatum",
)  # fmt: skip


def judged(source: str, rows: pd.DataFrame, units: Iterable[str]) -> pd.DataFrame:
    """The rows that every expectation of the source holds for."""
    import great_expectations as gx

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    batch = (
        context.data_sources.add_pandas("pandas")
        .add_dataframe_asset(source)
        .add_batch_definition_whole_dataframe("all")
    )
    suite = gx.ExpectationSuite(name=source, expectations=_expectations(gx.expectations, source, list(units)))
    found = batch.get_batch(batch_parameters={"dataframe": rows}).validate(suite, result_format="COMPLETE")
    refused: set[int] = set()
    for result in found.results:
        if result.exception_info and any(entry.get("raised_exception") for entry in _entries(result.exception_info)):
            raise RuntimeError(f"{result.expectation_config.type}: {result.exception_info}")
        refused.update(result.result.get("unexpected_index_list") or ())
    return rows.drop(index=list(refused))


def _entries(info: dict[str, Any]) -> list[dict[str, Any]]:
    return [info] if "raised_exception" in info else list(info.values())


def _expectations(e: Any, source: str, units: list[str]) -> list[Any]:
    unit = e.ExpectColumnValuesToBeInSet(column="hsaid_enhet", value_set=units)
    identity = e.ExpectColumnValueLengthsToBeBetween(column="vardkontakt_id", min_value=1, max_value=64)
    rows = e.ExpectTableRowCountToBeBetween(min_value=1)
    if source == "kva":
        return [
            *(e.ExpectColumnValuesToNotBeNull(column=c) for c in ("vardkontakt_id", "kva_kod", "atgardsdatum")),
            e.ExpectColumnValuesToMatchRegex(column="personnummer", regex=r"^[0-9]{8}([0-9]{4}|[A-Z0-9]{4})$"),
            e.ExpectColumnValuesToMatchRegex(column="kva_kod", regex=r"^[A-Z]{2}[0-9]{3}$"),
            unit,
            identity,
            rows,
        ]
    return [
        *(e.ExpectColumnValuesToNotBeNull(column=c) for c in ("vardkontakt_id", "status", "matperiod", "beslut_datum")),
        e.ExpectColumnValuesToBeInSet(column="status", value_set=["VANTANDE", "GENOMFORD"]),
        e.ExpectColumnValuesToBeInSet(column="vardgaranti", value_set=["Ja", "Nej"]),
        e.ExpectColumnValuesToBeInSet(column="kon", value_set=["K", "M", "O"]),
        e.ExpectColumnValuesToBeBetween(column="fas", min_value=1, max_value=4),
        e.ExpectColumnValuesToMatchRegex(column="matperiod", regex=r"^[0-9]{4}-(0[1-9]|1[0-2])$"),
        unit,
        identity,
        rows,
    ]


def newest(source: str, rows: pd.DataFrame) -> pd.DataFrame:
    """The newest row of every key that is not withdrawn."""
    if source == "vantetider":
        rows = rows.assign(manad_rad=rows["matperiod"].where(rows["status"] == "VANTANDE"))
    rows = rows.drop_duplicates(KEYS[source], keep="last")
    return rows[rows["makulerad"] != "Ja"] if "makulerad" in rows else rows


def with_unit(rows: pd.DataFrame, units: pd.DataFrame, event: str) -> pd.DataFrame:
    """Rows whose unit is valid on the day of their event, with its verksamhet; the month of the event as `manad`."""
    rows = rows[rows[event].notna()].merge(units, on="hsaid_enhet")
    rows = rows[(rows[event] >= rows["giltig_fran"]) & (rows[event] <= rows["giltig_till"])]
    return rows.rename(columns={"hsaid_enhet": "enhet"}).assign(manad=rows[event].dt.to_period("M"))


def register(folder: Path) -> pd.DataFrame:
    """The newest period of every unit and first day."""
    import pandas as pd

    paths = sorted(folder.glob("*.csv"))
    rows = pd.concat([pd.read_csv(p, sep=";", encoding="utf-8-sig") for p in paths], ignore_index=True)
    rows = rows.drop_duplicates(["hsaid_enhet", "giltig_fran"], keep="last")
    ends = pd.to_datetime(rows["giltig_till"]).fillna(pd.Timestamp("2262-01-01"))
    rows = rows.assign(giltig_fran=pd.to_datetime(rows["giltig_fran"]), giltig_till=ends)
    return rows[["hsaid_enhet", "verksamhet", "giltig_fran", "giltig_till"]]


def periods() -> pd.DataFrame:
    """Every period type's periods, a row per month in them."""
    import pandas as pd

    months = pd.period_range(FIRST_MONTH, LAST_MONTH, freq="M")
    rows = [
        (typ, first.to_timestamp(), first + n)
        for typ, length in LENGTHS.items()
        for first in months
        if first.month in FIRST_OF.get(typ, range(1, 13))
        for n in range(length)
    ]
    return pd.DataFrame(rows, columns=["period_typ", "period_start", "manad"])


def cells(months: pd.DataFrame, values: list[str], extra: list[str]) -> pd.DataFrame:
    """Months (verksamhet, enhet, kon, manad and `extra`) summed for all periods, levels and sexes."""
    import pandas as pd

    both = months[months["kon"].isin(["K", "M"])]
    sexes = pd.concat([months.assign(kon="T"), both], ignore_index=True)
    spread = sexes.merge(periods(), on="manad")
    parts = []
    for level, place in LEVELS.items():
        by = [*place, "period_typ", "period_start", "kon", *extra]
        parts.append(spread.groupby(by, observed=True, as_index=False)[values].sum().assign(niva=level))
    return pd.concat(parts, ignore_index=True)


def medians(spread: pd.DataFrame) -> pd.DataFrame:
    """The median of every cell, from how many observations have each value (`dagar`, `antal`)."""
    cell = [c for c in CELL if c != "indicator_id"]
    spread = spread.sort_values("dagar")
    groups = spread.groupby(cell, dropna=False, observed=True)["antal"]
    upto, total = groups.cumsum(), groups.transform("sum")
    low = spread[2 * upto >= total].groupby(cell, dropna=False, observed=True)["dagar"].min()
    even = (total % 2 == 0).astype("int64")
    high = spread[2 * upto >= total + even].groupby(cell, dropna=False, observed=True)["dagar"].min()
    found = low.to_frame("low").join(high.rename("high")).join(groups.sum().rename("namnare")).reset_index()
    return found.assign(varde=(found["low"] + found["high"]) / 2).drop(columns=["low", "high"])


def compute(raw: Path, target: Path) -> None:
    """Compute the cells from the files below `raw`, as `bench.handwritten.compute` does."""
    import pandas as pd

    units = register(raw / "enheter")
    known = units["hsaid_enhet"].unique()
    place = ["verksamhet", "enhet", "kon", "manad"]

    waits = newest("vantetider", judged("vantetider", read(raw / "vantetider"), known))
    waits = waits[(waits["status"] == "GENOMFORD") & (waits["fas"] == 1)]
    waits = with_unit(waits, units, "start_datum")
    waits = waits[waits["verksamhet"] != "TC"]
    waits["dagar"] = (waits["start_datum"] - waits["beslut_datum"]).dt.days
    first = waits[(waits["vardgaranti"] == "Ja") & (waits["avvikelsekod"] != 1).fillna(True)]
    share = first.assign(taljare=first["dagar"] <= 90, namnare=1).groupby(place, observed=True, as_index=False)
    shares = cells(share[["taljare", "namnare"]].sum(), ["taljare", "namnare"], [])
    shares["varde"] = 100 * shares["taljare"] / shares["namnare"]
    spread = waits.groupby([*place, "dagar"], observed=True, as_index=False).size().rename(columns={"size": "antal"})
    median = medians(cells(spread, ["antal"], ["dagar"]))
    del waits, first

    measures = newest("kva", judged("kva", read(raw / "kva"), known))
    measures = with_unit(measures[measures["kva_kod"].isin(CODES)], units, "atgardsdatum")
    measures = measures[measures["verksamhet"].isin(["AUD", "BUH", "SC", "VUH"])]
    digit = pd.to_numeric(measures["personnummer"].str[-2], errors="coerce")
    plain = measures["personnummer"].str.fullmatch("[0-9]+")
    sex = (digit % 2).map({1.0: "M", 0.0: "K"}).where(plain, "O")
    counts = measures.assign(kon=sex).groupby(place, observed=True, as_index=False).size()
    counted = cells(counts.rename(columns={"size": "taljare"}), ["taljare"], [])
    counted["varde"] = counted["taljare"]

    share_id, median_id, count_id = INDICATORS
    found = pd.concat(
        [
            shares.assign(indicator_id=share_id),
            median.assign(indicator_id=median_id),
            counted.assign(indicator_id=count_id),
        ],
        ignore_index=True,
    )
    numbers = {name: found[name].astype("float64") for name in ("taljare", "namnare", "varde")}
    found = found.assign(period_start=found["period_start"].dt.date, **numbers)
    found[[*CELL, "taljare", "namnare", "varde"]].to_parquet(target, index=False)


def main() -> None:
    """Compute, and tell nobody."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    compute(Path(sys.argv[1]), Path(sys.argv[2]))


if __name__ == "__main__":
    main()

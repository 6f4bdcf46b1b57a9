"""Charts draw what they are given and nothing else: no hidden number, no text unescaped, the same bytes every time."""

from __future__ import annotations

import re
from datetime import date
from xml.etree import ElementTree

import pytest

from dagster_project.products.charts import (
    Break,
    Limits,
    Point,
    funnel,
    pair,
    sparkline,
    standalone,
    trend,
)

MONTHS = [date(2021, 1 + n, 1) for n in range(12)]


def series(*values: float | None, state: str = "shown", gap: str = "no_data") -> list[Point]:
    return [
        Point(m, f"{m:%Y-%m}", v, gap if v is None else state)  # type: ignore[arg-type]
        for m, v in zip(MONTHS, values, strict=False)
    ]


def parsed(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)


def having(svg: str, css: str) -> list[ElementTree.Element]:
    return [e for e in parsed(svg).iter() if css in e.get("class", "").split()]


def words(svg: str) -> list[str]:
    return [e.text or "" for e in parsed(svg).iter("text")]


def test_a_line_is_broken_at_a_gap_and_a_lonely_point_is_a_dot() -> None:
    svg = trend(series(90, 91, None, 92, None, 93, 94), alt="a", unit="procent", decimals=1)
    lines = having(svg, "d-linje")
    assert [len(line.get("points", "").split()) for line in lines] == [2, 2]
    assert len(having(svg, "d-punkt")) + len(having(svg, "d-sist")) == 5


def test_a_hidden_point_is_a_mark_at_the_foot_whatever_its_number_may_be() -> None:
    with pytest.raises(ValueError, match="hidden"):
        Point(MONTHS[0], "jan", 3.0, "hidden")
    svg = trend(series(90, None, 92, gap="hidden"), alt="a", unit="procent", decimals=1)
    assert len(having(svg, "d-dold")) == 1
    assert len(having(svg, "d-punkt")) + len(having(svg, "d-sist")) == 2


def test_a_preliminary_point_is_hollow_outside_the_line_and_its_number_is_not_the_newest() -> None:
    points = [*series(90, 91), Point(MONTHS[2], "mars", 40.0, "preliminary")]
    svg = trend(points, alt="a", unit="procent", decimals=1)
    assert len(having(svg, "d-ihalig")) == 1
    assert [len(line.get("points", "").split()) for line in having(svg, "d-linje")] == [2]
    assert [e.text for e in having(svg, "d-sist-text")] == ["91,0\u00a0%"]


def test_higher_is_higher_and_the_target_stands_at_its_value() -> None:
    svg = trend(series(80, 90, 100), alt="a", unit="procent", decimals=1, target=90)
    ys = [float(p.split(",")[1]) for p in having(svg, "d-linje")[0].attrib["points"].split()]
    assert ys[0] > ys[1] > ys[2]
    assert float(having(svg, "d-mal")[0].attrib["y1"]) == ys[1]
    assert "mål 90\u00a0%" in words(svg)


def test_limits_are_a_band_over_their_points() -> None:
    svg = trend(
        series(10, 12, 11, 13),
        alt="a",
        unit="antal",
        decimals=0,
        limits=Limits(11.5, 8, 15, MONTHS[1], MONTHS[3]),
    )
    band = having(svg, "d-band")[0]
    xs = [float(p.split(",")[0]) for p in having(svg, "d-linje")[0].attrib["points"].split()]
    assert float(band.attrib["x"]) == xs[1]
    assert float(band.attrib["x"]) + float(band.attrib["width"]) == pytest.approx(xs[3], abs=0.11)
    assert float(band.attrib["y"]) < float(having(svg, "d-medel")[0].attrib["y1"])


def test_a_break_stands_between_its_months_with_its_reason_escaped() -> None:
    svg = trend(series(1, 2, 3, 4), alt='"a" <b>', unit="antal", decimals=0, breaks=[Break(MONTHS[2], "Barn & <unga>")])
    xs = [float(p.split(",")[0]) for p in having(svg, "d-linje")[0].attrib["points"].split()]
    assert xs[1] < float(having(svg, "d-brott")[0].attrib["x1"]) < xs[2]
    assert "Barn & <unga>" in words(svg)
    assert parsed(svg).get("aria-label") == '"a" <b>'


@pytest.mark.parametrize("values", [(), (5.0,), (None, None), (0.0, 0.0), (-3.0, 2.0), (1e7, 1.2e7)])
def test_every_series_can_be_drawn(values: tuple[float | None, ...]) -> None:
    points = series(*values)
    for unit in ("procent", "antal", "kr", "dagar"):
        svg = trend(points, alt="a", unit=unit, decimals=0)
        assert not re.search(r"nan|inf|None", str(svg))
        parsed(svg)
    parsed(sparkline(points, alt="a"))
    parsed(pair(points, points, alt="a", unit="antal"))


def test_percent_stays_within_its_bounds() -> None:
    svg = trend(series(97, 99.5, 100), alt="a", unit="procent", decimals=1)
    ticks = [float(e.text.removesuffix("\u00a0%").replace(",", ".")) for e in having(svg, "d-tal") if e.text]
    assert max(ticks) == 100
    assert min(ticks) <= 97


def test_time_is_told_at_the_ends_and_at_each_new_year_where_there_is_room() -> None:
    months = [date(2020 + (9 + n) // 12, (9 + n) % 12 + 1, 1) for n in range(24)]
    points = [Point(m, f"{m:%Y-%m}", 90.0 + n) for n, m in enumerate(months)]
    svg = trend(points, alt="a", unit="antal", decimals=0)
    told = having(svg, "d-tid")
    assert [e.text for e in told] == ["2020-10", "2021", "2022", "2022-09"]
    assert [e.text for e in having(svg, "d-tat")] == ["2021"]  # too near the first on a narrow screen
    assert "@media" not in standalone(svg)


def test_the_pair_is_told_by_word_and_dash_not_by_colour() -> None:
    svg = pair(series(90, 91), series(80, 85), alt="a", unit="procent")
    assert {"kvinnor 91,0\u00a0%", "män 85,0\u00a0%"} <= set(words(svg))
    with pytest.raises(ValueError, match="different periods"):
        pair(series(1, 2), series(1), alt="a", unit="antal")


def test_only_units_beyond_the_outer_limits_are_named() -> None:
    svg = funnel([("Långt ifrån", 400, 60.0), ("Som de andra", 400, 91.0), ("Få fall", 8, 60.0)], 92.0, alt="a")
    assert [e.text for e in having(svg, "d-namn")] == ["Långt ifrån"]
    assert len(having(svg, "d-enhet")) == 2
    few, *many = sorted(float(e.get("cx", "").rstrip("%")) for e in parsed(svg).iter("circle"))
    assert few < many[0] == many[1]


def test_the_same_input_gives_the_same_bytes_in_any_order_of_units() -> None:
    units = [("A", 30, 90.0), ("B", 60, 95.0), ("C", 90, 50.0)]
    assert funnel(units, 92, alt="a") == funnel(units[::-1], 92, alt="a")


def test_charts_have_no_ids_and_no_styles_of_their_own() -> None:
    svg = trend(series(1, 2), alt="a", unit="antal", decimals=0) + sparkline(series(1, 2), alt="b")
    assert not re.search(r"\b(?:id|style|fill|stroke)=", svg)


def test_standing_alone_it_is_one_document_with_colours_and_the_same_words() -> None:
    svg = trend(series(80, 90, None, 100, gap="hidden"), alt="Så gick det", unit="procent", decimals=1, target=90)
    alone = standalone(svg, 500)
    root = parsed(alone)
    assert root.attrib["width"] == "500"
    assert "%" not in "".join(v for e in root.iter() for k, v in e.attrib.items() if k in ("x", "cx", "width"))
    assert "var(" not in alone
    kept = [e.text for e in root.iter("{http://www.w3.org/2000/svg}text")]
    assert kept == words(svg)
    points = next(e for e in root.iter("{http://www.w3.org/2000/svg}polyline")).attrib["points"].split()
    assert 0 < float(points[0].split(",")[0]) < float(points[1].split(",")[0]) < 500

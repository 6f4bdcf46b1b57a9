"""Where things stand in a chart: within it, whatever the values; labels where they cover least."""

from __future__ import annotations

from datetime import date
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from dagster_project.products.charts import Point, trend
from dagster_project.products.charts.labels import Spot, along, freest

VALUES = st.one_of(st.none(), st.floats(-1e9, 1e9, allow_nan=False), st.integers(0, 100).map(float))


@given(values=st.lists(VALUES, max_size=30), target=st.one_of(st.none(), st.floats(-1e9, 1e9)), small=st.booleans())
def test_all_of_a_series_is_within_its_chart(values: list[float | None], target: float | None, small: bool) -> None:
    points = [
        Point(date(2000 + n // 12, n % 12 + 1, 1), str(n), value, "no_data" if value is None else "shown")
        for n, value in enumerate(values)
    ]
    svg = ElementTree.fromstring(trend(points, alt="a", unit="antal", decimals=0, target=target, small=small))
    height = float(svg.attrib["height"])
    for line in svg.iter("polyline"):
        for x, _, y in (p.partition(",") for p in line.attrib["points"].split()):
            assert 0 <= float(x) <= 1000 and 0 <= float(y) <= height
    for element in svg.iter():
        for name in ("cx", "x"):
            if element.get(name, "").endswith("%"):
                assert 0 <= float(element.attrib[name].rstrip("%")) <= 100
        if element.tag == "text":
            assert 0 < float(element.attrib["y"]) <= height


def test_a_label_goes_where_no_line_and_no_other_label_is() -> None:
    above, below = Spot(500, 40, "start"), Spot(500, 80, "start")
    assert freest([above, below], "93,7", [], [], 640) == above
    line = along(["500,36 560,36"])
    assert freest([above, below], "93,7", line, [], 640) == below
    # Another label is worse to cover than a line.
    assert freest([above, below], "93,7", line, [below.box("90", 640)], 640) == above


def test_a_label_that_ends_at_its_place_lies_left_of_it() -> None:
    left, _, right, _ = Spot(1000, 40, "end").box("abcd", 500)
    assert right == 500 and left < 500

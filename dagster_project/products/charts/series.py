"""Series over time: trend, sparkline, and the pair of sexes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from markupsafe import Markup

from dagster_project.core.swedish import fixed
from dagster_project.products.charts.data import Break, Limits, Point
from dagster_project.products.charts.drawing import Chart, drawn
from dagster_project.products.charts.labels import NARROW, WIDE, Spot, along, freest
from dagster_project.products.charts.scale import (
    ACROSS,
    PERCENT_SIGN,
    Scale,
    axis_labels,
    place,
    scale_of,
    spread,
)

HEIGHT, SMALL_HEIGHT = 240, 148
TOP, BOTTOM = 22, 26
"""Free above, for the highest label, and below, for the time."""
SPARK_WIDTH, SPARK_HEIGHT = 104, 28


def trend(
    points: Sequence[Point],
    *,
    alt: str,
    unit: str,
    decimals: int,
    target: float | None = None,
    limits: Limits | None = None,
    comparison: Sequence[float | None] | None = None,
    breaks: Sequence[Break] = (),
    signal_points: Sequence[date] = (),
    small: bool = False,
    bounds: tuple[float, float] | None = None,
) -> Chart:
    """A series with what it is read against.

    points: oldest first. A hidden one is a small diamond at the foot of the chart, one without data is nothing: the
    line is broken at both. A preliminary one is a hollow point outside the line.
    unit, decimals: of the catalogue; `procent` stays within 0-100. target: a line with its number. limits: a band with
    the mean. comparison: the value that each point is compared with, a thin line. breaks: upright lines with their
    reasons. signal_points: first days of the points to ring. small: for small multiples, with fewer words. bounds: what
    the scale must hold besides, so that small multiples have one scale.
    alt: what the chart says, for who cannot see it; the table beside it is the page's.
    """
    height, across = (SMALL_HEIGHT, NARROW) if small else (HEIGHT, WIDE)
    before = list(comparison or [])
    if before and len(before) != len(points):
        raise ValueError(f"{len(before)} values to compare with, {len(points)} points")
    held = [p.value for p in points if p.value is not None] + [v for v in before if v is not None]
    held += [] if target is None else [target]
    held += [limits.lower, limits.upper] if limits else []
    scale = scale_of([*held, *(bounds or ())], unit, TOP, height - BOTTOM, 2 if small else 3)
    xs = spread(len(points))
    series = _series(points, xs, scale, "d-punkt", frozenset(signal_points), small)
    chart: dict[str, Any] = {
        "height": height,
        "bottom": scale.bottom,
        "ticks": _ticks(scale, unit),
        "labels": axis_labels(points, xs, bare=small),
        "lines": series["lines"],
        "dots": series["dots"],
        "hidden": series["hidden"],
        "before": _stretches([None if v is None else scale.y(v) for v in before], xs),
        "breaks": list(_breaks(points, xs, breaks)),
        "band": None,
        "mean": None,
        "target": None,
        "last": None,
    }
    if limits and points:
        x0, x1 = _between(points, xs, limits.start), _between(points, xs, limits.end)
        y0, y1 = scale.y(limits.upper), scale.y(limits.lower)
        chart["band"] = (x0, y0, x1 - x0, max(y1 - y0, 1))
        chart["mean"] = (x0, x1, scale.y(limits.mean))
    marks = [*along(chart["lines"]), *along(chart["before"]), *((x, y) for x, y, _, _ in chart["dots"])]
    taken = [Spot(0, y - 4, "start").box(text, across) for y, text in chart["ticks"]]
    taken += [Spot(x, 12, anchor).box(text, across) for x, text, anchor in chart["breaks"]]
    newest = _newest(points)
    if newest is not None:
        value = points[newest].value
        assert value is not None
        text = _value_text(value, unit, decimals)
        lines = [] if target is None else [f"0,{scale.y(target)} {ACROSS},{scale.y(target)}"]
        spots = _beside(xs[newest], scale.y(value), height)
        last = freest(spots, text, [*marks, *along(lines, 50)], taken, across)
        taken.append(last.box(text, across))
        chart["last"] = (last.x, last.y, text, last.anchor)
    if target is not None:
        text = f"mål {_value_text(target, unit, decimals, exact=True)}"
        spot = freest(_on_line(scale.y(target), height, across), text, marks, taken, across)
        chart["target"] = (scale.y(target), spot.y, text, spot.x, spot.anchor)
    return drawn("trend", cut=scale.cut, c=chart, alt=alt)


def pair(
    women: Sequence[Point], men: Sequence[Point], *, alt: str, unit: str, decimals: int = 1, target: float | None = None
) -> Chart:
    """Two series on one scale, each named at its end: women drawn out, men dashed. Both have the same periods."""
    if [p.start for p in women] != [p.start for p in men]:
        raise ValueError("women and men have different periods")
    held = [p.value for p in (*women, *men) if p.value is not None] + ([] if target is None else [target])
    scale = scale_of(held, unit, TOP, HEIGHT - BOTTOM)
    xs = spread(len(women))
    ends = [_newest(points) for points in (women, men)]
    ys = [None if n is None else scale.y(points[n].value or 0.0) for n, points in zip(ends, (women, men), strict=True)]
    first_up = ys[1] is None or ys[0] is None or ys[0] <= ys[1]
    drawn_series = [
        _series(points, xs, scale, f"d-punkt d-{css}", frozenset(), small=False)
        for points, css in ((women, "k"), (men, "m"))
    ]
    ticks = _ticks(scale, unit)
    marks = [m for found in drawn_series for m in (*along(found["lines"]), *((x, y) for x, y, _, _ in found["dots"]))]
    taken = [Spot(0, y - 4, "start").box(text, WIDE) for y, text in ticks]
    for found, points, n, y, up, name, css in (
        (drawn_series[0], women, ends[0], ys[0], first_up, "kvinnor", "k"),
        (drawn_series[1], men, ends[1], ys[1], not first_up, "män", "m"),
    ):
        found |= {"line_css": f"d-linje d-{css}", "text_css": f"d-sist-text d-{css}-text", "last": None}
        if n is not None and y is not None:
            text = f"{name} {_value_text(points[n].value or 0.0, unit, decimals)}"
            spots = _beside(xs[n], y, HEIGHT)
            spot = freest(spots if up else spots[::-1], text, marks, taken, WIDE)
            taken.append(spot.box(text, WIDE))
            found["last"] = (spot.x, spot.y, text, spot.anchor)
    chart: dict[str, Any] = {
        "height": HEIGHT,
        "ticks": ticks,
        "labels": axis_labels(women, xs),
        "series": drawn_series,
        "target": None,
    }
    if target is not None:
        text = f"mål {_value_text(target, unit, decimals, exact=True)}"
        spot = freest(_on_line(scale.y(target), HEIGHT, WIDE), text, marks, taken, WIDE)
        chart["target"] = (scale.y(target), spot.y, text, spot.x, spot.anchor)
    return drawn("pair", cut=scale.cut, c=chart, alt=alt)


def sparkline(points: Sequence[Point], *, alt: str) -> Markup:
    """A series in the size of a word: its line, broken at gaps, and its newest point (hollow where preliminary)."""
    held = [p.value for p in points if p.value is not None]
    low, high = (min(held), max(held)) if held else (0.0, 1.0)
    room, margin = SPARK_HEIGHT - 8.0, 4.0
    step = (SPARK_WIDTH - 2 * margin) / max(len(points) - 1, 1)
    xs = [margin + n * step for n in range(len(points))]

    def y(value: float) -> float:
        return margin + room * (0.5 if high - low < 1e-9 else (high - value) / (high - low))

    shown = [y(p.value) if p.value is not None and p.state == "shown" else None for p in points]
    dots = [(x, at, "d-punkt", 1.4) for x, at in _alone(shown, xs)]
    newest = _newest(points)
    if newest is not None:
        hollow = points[newest].state == "preliminary"
        dots.append((xs[newest], y(points[newest].value or 0.0), "d-ihalig" if hollow else "d-sist", 2.8))
    chart = {"width": SPARK_WIDTH, "height": SPARK_HEIGHT, "lines": _stretches(shown, xs), "dots": dots}
    return drawn("sparkline", c=chart, alt=alt)


# --- Parts ----------------------------------------------------------------------------------------------------------


def _beside(x: float, y: float, height: float) -> list[Spot]:
    """Above and below a point."""
    at, anchor = (min(x + 6, ACROSS), "end") if x > ACROSS / 2 else (x, "start")
    spots = [Spot(at, y - 10, anchor), Spot(at, y + 19, anchor)]
    return [s for s in spots if 10 <= s.y <= height - BOTTOM + 8] or spots[:1]


def _on_line(y: float, height: float, across: float) -> list[Spot]:
    """Above and below a line, at its right end, at its left beside the scale's numbers, and in between."""
    places = [(ACROSS, "end"), (ACROSS * 58 / across, "start"), (ACROSS * 0.7, "end"), (ACROSS * 0.3, "start")]
    spots = [Spot(x, y + down, anchor) for x, anchor in places for down in (-5, 15)]
    return [s for s in spots if 10 <= s.y <= height - BOTTOM + 2] or spots[:1]


def _series(
    points: Sequence[Point], xs: Sequence[float], scale: Scale, css: str, ringed: frozenset[date], small: bool
) -> dict[str, Any]:
    shown = [scale.y(p.value) if p.value is not None and p.state == "shown" else None for p in points]
    dots: list[tuple[float, float, str, float]] = []
    newest = _newest(points)
    lonely = set(_alone(shown, xs))
    for n, (p, x) in enumerate(zip(points, xs, strict=True)):
        if p.value is None:
            continue
        at = scale.y(p.value)
        if p.start in ringed:
            dots.append((x, at, "d-ring", 8))
        if p.state == "preliminary":
            dots.append((x, at, css.replace("d-punkt", "d-ihalig"), 3.5))
        elif n == newest:
            dots.append((x, at, css.replace("d-punkt", "d-sist"), 4))
        elif not small or (x, at) in lonely:
            dots.append((x, at, css, 2 if small else 2.5))
    hidden = [(x, scale.bottom) for p, x in zip(points, xs, strict=True) if p.state == "hidden"]
    return {"lines": _stretches(shown, xs), "dots": dots, "hidden": hidden}


def _newest(points: Sequence[Point]) -> int | None:
    """The newest point with a value: a settled one before a preliminary."""
    settled = [n for n, p in enumerate(points) if p.state == "shown"]
    known = settled or [n for n, p in enumerate(points) if p.value is not None]
    return known[-1] if known else None


def _runs(ys: Sequence[float | None], xs: Sequence[float]) -> Iterator[list[tuple[float, float]]]:
    run: list[tuple[float, float]] = []
    for x, y in zip(xs, ys, strict=False):
        if y is not None:
            run.append((x, y))
        elif run:
            yield run
            run = []
    if run:
        yield run


def _stretches(ys: Sequence[float | None], xs: Sequence[float]) -> list[str]:
    """Each unbroken stretch of at least two points, as a polyline has it."""
    return [" ".join(f"{place(x)},{place(y)}" for x, y in run) for run in _runs(ys, xs) if len(run) > 1]


def _alone(ys: Sequence[float | None], xs: Sequence[float]) -> list[tuple[float, float]]:
    """Points without a neighbour: no line shows them."""
    return [run[0] for run in _runs(ys, xs) if len(run) == 1]


def _ticks(scale: Scale, unit: str) -> list[tuple[float, str]]:
    values = scale.ticks()
    return [(scale.y(v), scale.tick_text(v, unit, last=n == len(values) - 1)) for n, v in enumerate(values)]


def _value_text(value: float, unit: str, decimals: int, exact: bool = False) -> str:
    millions = unit == "kr" and abs(value) >= 1e6
    text = fixed(value / 1e6, 2) if millions else fixed(value, decimals)
    if exact and "," in text:
        text = text.rstrip("0").rstrip(",")
    if unit == "procent":
        return f"{text}{PERCENT_SIGN}"
    named = "milj. kr" if millions else "" if unit == "antal" else unit
    return f"{text}\u00a0{named}".rstrip("\u00a0")


def _between(points: Sequence[Point], xs: Sequence[float], day: date) -> float:
    """The place of the point that begins on a day, else of the last one before it."""
    places = [x for p, x in zip(points, xs, strict=True) if p.start <= day]
    return places[-1] if places else xs[0]


def _breaks(points: Sequence[Point], xs: Sequence[float], breaks: Sequence[Break]) -> Iterator[tuple[float, str, str]]:
    """Between the last point before a break and the first one after it."""
    for b in sorted(breaks, key=lambda b: b.day):
        after = [n for n, p in enumerate(points) if p.start >= b.day]
        if after and after[0] > 0:
            x = (xs[after[0] - 1] + xs[after[0]]) / 2
            yield x, b.reason, "start" if x < ACROSS / 2 else "end"

"""Charts of ours as SVG for board and reports: no script, ids or colours of their own; the same input, the same bytes.

Each is one image with its alternative text; the table beside it, which holds the same numbers, is the page's.
`docs/style.md` says how they look and why.
"""

from dagster_project.products.charts.data import Break, Limits, Point, State, UnitPoint
from dagster_project.products.charts.drawing import Chart
from dagster_project.products.charts.funnel import funnel
from dagster_project.products.charts.series import pair, sparkline, trend
from dagster_project.products.charts.standalone import standalone

__all__ = [
    "Break",
    "Chart",
    "Limits",
    "Point",
    "State",
    "UnitPoint",
    "funnel",
    "pair",
    "sparkline",
    "standalone",
    "trend",
]

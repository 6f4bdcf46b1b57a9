"""The plan's page: the plan's own order, every item and place, targets in words, and no number of a hidden row."""

from __future__ import annotations

from dagster_project.products.board.pages.plan import plan_view
from dagster_project.products.board.standing import standings_of
from tests.products.board.test_standing import frame, item, plan_row

ITEMS = {
    "A": item("A", 1, perspektiv="process", mal_id="P1"),
    "B": item("B", 2, perspektiv="process", mal_id="P2", mal_titel="Annat mål"),
    "C": item("C", 3, perspektiv="process", mal_id="P2", mal_titel="Annat mål"),
    "D": item("D", 4, perspektiv=None, mal_id=None, mal_titel=None),
}


def test_perspectives_goals_and_items_stand_in_the_plans_order() -> None:
    found = plan_view(list(ITEMS.values()), {}, ("BB", "AA"))
    assert [(p.code, p.name) for p in found] == [("process", "Process"), (None, "Hela planen")]
    assert [(g.id, g.title, [r.item.item_id for r in g.rows]) for p in found for g in p.goals] == [
        ("P1", "Korta väntor", ["A"]),
        ("P2", "Annat mål", ["B", "C"]),
        (None, None, ["D"]),
    ]


def test_an_item_is_shown_at_the_area_and_each_verksamhet_in_the_order_of_reports() -> None:
    rows = [
        plan_row("A", niva="omrade", verksamhet=None, malstatus="inget_mal", mening="Punkt A: hela."),
        plan_row("A", verksamhet="AA", malstatus="ej_uppfyllt", mal_text="minst 90 procent", indicator_id="i"),
    ]
    perspective, *_ = plan_view(list(ITEMS.values()), standings_of(frame(*rows), ITEMS), ("BB", "AA"))
    row = perspective.goals[0].rows[0]
    assert row.area is not None and row.area.rest == "Hela."
    assert [s and s.target_status for s in row.places] == [None, "ej_uppfyllt"]
    assert row.target == "minst 90 procent", "also where the area has none"

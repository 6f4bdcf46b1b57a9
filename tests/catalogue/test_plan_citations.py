"""The seeds of the plans say what the plans say: each goal and item is held against the lines that it is from.

`plan/lines.csv` holds the cited lines of the four documents (functions, no person, no address), `plan/citations.csv`
which lines a plan, goal or item is from, where a goal's perspective is headed, and how the document words its target.
Checked are words, goals, perspectives, order, scopes, numbers of assignments, who answers, and that the document words
a target so. What a target *is* stands in the seed `maltal` alone: no test knows it, so a changed one changes no test.
"""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from dagster_project.catalogue import plan
from dagster_project.catalogue.organisation import area_codes, nodes, verksamhet_codes
from dagster_project.catalogue.vocabulary import VERKSAMHET

HERE = Path(__file__).with_name("plan")
ITEMS = pytest.mark.parametrize("item", plan.items(), ids=lambda item: item.id)
FOLLOWED = pytest.mark.parametrize("item", plan.followed_up_items(), ids=lambda item: item.id)
OWN_WORDS = {"bättre", "eller", "enligt", "fler", "från", "följs", "före", "inom", "mindre", "minst", "över", "samt"}
OWN_WORDS |= {"arbetssätt", "sina", "till"}
"""Words in which a title says what it is about; the document has others for them."""


def _rows(name: str) -> list[dict[str, str]]:
    with (HERE / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


LINES = {(row["document"], int(row["line"])): row["text"] for row in _rows("lines.csv")}
CITED = {row["id"]: row for row in _rows("citations.csv")}


def _ranges(cited: dict[str, str]) -> list[range]:
    parts = [part.split("-") for part in cited["lines"].split("|")]
    return [range(int(part[0]), int(part[-1]) + 1) for part in parts]


def _first_line(id: str) -> int:
    return _ranges(CITED[id])[0].start


def _text(id: str) -> str:
    """The cited lines of a plan, goal or item as one text: words that are broken at a line's end made whole."""
    document = CITED[id]["document"]
    text = ""
    for line in (LINES.get((document, n), "") for part in _ranges(CITED[id]) for n in part):
        if not line:
            continue  # between the lines of the document
        text = text[:-1] + line if text.endswith("-") else f"{text} {line}"
    return " ".join(text.split())


def _words(text: str) -> list[str]:
    """The words that carry what a text is about; numbers and codes too."""
    words = re.findall(r"[a-zåäöéü]*\d+|[a-zåäöéü]+", text.lower())
    return [w for w in words if w[-1].isdigit() or (len(w) >= 4 and w not in OWN_WORDS)]


def _found(word: str, text: str) -> bool:
    """Whether a word or another form of it (the same beginning) stands in the text; a number or code as it is."""
    form = rf"\b{word}\b" if word[-1].isdigit() else word[: max(4, min(5, len(word) - 1))]
    return bool(re.search(form, text.lower()))


def _missing(words: list[str], text: str) -> list[str]:
    return [word for word in words if not _found(word, text)]


def _without_diacritics(text: str) -> str:
    return text.lower().translate(str.maketrans("åäö", "aao"))


# --- What is kept of the documents ------------------------------------------------------------------------------------


def test_every_plan_goal_and_item_is_cited_and_nothing_else() -> None:
    goals = [f"{goal.plan_id} {goal.id}" for goal in plan.goals()]
    everything = [*(p.id for p in plan.plans()), "organisation", *goals, *(item.id for item in plan.items())]
    assert sorted(everything) == sorted(CITED)


def test_only_cited_lines_are_kept_and_all_of_their_ends_are_there() -> None:
    cited = {(row["document"], n) for row in CITED.values() for part in _ranges(row) for n in part}
    cited |= {(row["document"], int(row["perspective"])) for row in CITED.values() if row["perspective"]}
    ends = {(row["document"], n) for row in CITED.values() for part in _ranges(row) for n in (part[0], part[-1])}
    assert set(LINES) <= cited and ends <= set(LINES)


def test_no_address_or_number_of_a_person_is_kept() -> None:
    text = "\n".join(LINES.values())
    assert not re.findall(
        r"\S+@\S+|https?://\S+|\b\d{6,8}[-+ ]?\d{4}\b|\b0\d{1,3}[- ]\d{2}|\b\d{3} \d{2} [A-ZÅÄÖ]", text
    )


# --- All plans --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("plan_", plan.plans(), ids=lambda p: p.id)
def test_the_title_of_a_plan_is_the_documents(plan_: plan.Plan) -> None:
    assert _missing(_words(plan_.title), _text(plan_.id)) == []
    years = {int(year) for year in re.findall(r"\b20\d\d\b", plan_.title)}
    assert {plan_.years[0], plan_.years[-1]} == years, "valid for the years that it names"


@pytest.mark.parametrize("goal", plan.goals(), ids=lambda goal: f"{goal.plan_id}-{goal.id}")
def test_a_goal_is_worded_as_in_the_document(goal: plan.Goal) -> None:
    assert _missing(_words(goal.title), _text(f"{goal.plan_id} {goal.id}")) == []
    number = re.fullmatch(r"E(\d+)", goal.id)
    if number and goal.plan_id != "PSYK-2023":
        assert f"Effektmål {number[1]}." in _text(f"{goal.plan_id} {goal.id}")
    elif number:
        before = "Länets invånare har en god" if number[1] == "1" else ""
        assert before in _text(f"{goal.plan_id} {goal.id}")


@pytest.mark.parametrize("goal", plan.goals(), ids=lambda goal: f"{goal.plan_id}-{goal.id}")
def test_a_goal_is_of_the_perspective_that_it_stands_in(goal: plan.Goal) -> None:
    cited = CITED[f"{goal.plan_id} {goal.id}"]
    heading = LINES[cited["document"], int(cited["perspective"])] if cited["perspective"] else ""
    said = _without_diacritics(heading.partition("Perspektiv:")[2]).strip().replace(" och ", "_")
    assert said == (goal.perspective or "")


@ITEMS
def test_the_lines_of_an_item_hold_the_words_of_its_title(item: plan.Item) -> None:
    """A title is shorter than the plan and sometimes words it anew: most of its words are the plan's, and every
    number."""
    words = _words(item.title)
    missing = _missing(words, _text(item.id))
    assert 2 * len(missing) <= len(words), missing
    assert [word for word in missing if word[-1].isdigit()] == []


@ITEMS
def test_an_item_stands_under_its_goal(item: plan.Item) -> None:
    """The nearest heading above it is its goal's; one without a goal stands below headings of none that it could be."""
    headings = sorted(
        (part.start, goal.id)
        for goal in plan.goals()
        if goal.plan_id == item.plan_id
        for part in _ranges(CITED[f"{goal.plan_id} {goal.id}"])
    )
    nearest = [goal_id for line, goal_id in headings if line <= _first_line(item.id)][-1]
    assert item.goal_id in (nearest, None)
    assert item.goal_id is not None or item.type in ("uppdrag", "aktivitet"), "assignments are to the whole plan"


@ITEMS
def test_items_are_in_the_order_of_the_document(item: plan.Item) -> None:
    later = [other for other in plan.items() if other.plan_id == item.plan_id and other.order > item.order]
    assert [other.id for other in later if _first_line(other.id) < _first_line(item.id)] == []


@ITEMS
def test_the_number_of_an_assignment_is_the_documents(item: plan.Item) -> None:
    said = set(re.findall(r"\bNr (\d+)", _text(item.id)))
    assert said == ({item.number} if item.number else set())


@ITEMS
def test_the_document_words_the_target_so(item: plan.Item) -> None:
    said = [phrase for phrase in CITED[item.id]["targets"].split("|") if phrase]
    assert [phrase for phrase in said if phrase.lower() not in _text(item.id).lower()] == []


@FOLLOWED
def test_an_item_with_a_target_cites_how_the_plan_words_it(item: plan.Item) -> None:
    """No target is ours: even an item that gets one tomorrow must say where the plan asks for it."""
    assert not plan.targets_of(item.id) or CITED[item.id]["targets"]


# --- The plan that is followed up -------------------------------------------------------------------------------------


def test_the_verksamheter_are_those_that_the_plan_lists() -> None:
    said = re.findall(r"(\S[^()]*?) \(([A-Z]+)\)", _text("organisation").replace("\uf0b7", ""))
    assert {code: name.strip() for name, code in said} == {n.code: n.name for n in nodes() if n.type == VERKSAMHET}


def _codes(text: str) -> list[str]:
    return [code for code in verksamhet_codes() if re.search(rf"\b{code}\b", text)]


def _scope_said(text: str) -> tuple[str, ...]:
    """The verksamheter that an item's lines speak of: `Gäller ej FAM, TC` all but those, `Gäller AUD, SC` those, else
    those named in what is to be done or by who answers for it, else all."""
    but = re.search(r"(?:Gäller|kodning gäller) ej ([A-Z, ]+)", text)
    if but:
        return tuple(code for code in verksamhet_codes() if code not in _codes(but[1]))
    only = re.search(r"Gäller ([A-Z]{2,3}(?:, [A-Z]{2,3})*)", text)
    if only:
        return tuple(_codes(only[1]))
    without_exceptions = re.sub(r"förutom [A-Z ,och]+", "", text)
    return tuple(_codes(without_exceptions)) or verksamhet_codes()


PARTS_IN_ONE_SENTENCE = {
    "HH-2022-21a": ("AUD",),
    "HH-2022-21b": ("AUD",),
    "HH-2022-I09": (),
}
"""What a rule cannot read: BUH answers for one register of the three ("BUH (barnregistret)"); "styrelsen och nämnderna"
are no verksamhet."""


@FOLLOWED
def test_the_scope_of_an_item_is_what_its_lines_say(item: plan.Item) -> None:
    assert item.scope == PARTS_IN_ONE_SENTENCE.get(item.id, _scope_said(_text(item.id)))


def test_the_exceptions_are_said_by_the_plan() -> None:
    assert "BUH (barnregistret)" in _text("HH-2022-21a") and "AUD ska öka" in _text("HH-2022-21a")
    assert "Styrelsen och nämnderna" in _text("HH-2022-I09") and area_codes()


@FOLLOWED
def test_who_answers_for_an_item_is_who_the_plan_names(item: plan.Item) -> None:
    """Functions; an indicator of a goal names nobody."""
    said = "Ansvarig:" in _text(item.id)
    if item.type == "indikator":
        assert item.responsible is None and not said
    elif said:
        answers = _text(item.id).split("Ansvarig:")[1]
        words = [w for w in _words(item.responsible or "") if w not in ("stöd", "utom", "verksamhetschefer")]
        assert _missing(words, answers) == []
        assert _codes(item.responsible or "") == list(PARTS_IN_ONE_SENTENCE.get(item.id, _codes(answers)))


@FOLLOWED
def test_an_activity_is_reported_when_the_plan_says(item: plan.Item) -> None:
    text = _text(item.id) if "Rapportering:" in _text(item.id) else _text(item.plan_id)
    assert _missing(list(item.reporting), _without_diacritics(text)) == []

"""What people read: words for every value of every closed list that is shown."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pytest

from dagster_project.catalogue import vocabulary
from dagster_project.products import words
from dagster_project.products.words import reason_action, reason_text
from dagster_project.releases import labels


@pytest.mark.parametrize(
    ("values", "table"),
    [
        (vocabulary.PERIOD_TYPES, words.PERIOD_WORDS),
        (vocabulary.SEXES, labels.SEX_WORDS),
        (vocabulary.STATUSES, words.STATUS_WORDS),
        (vocabulary.MARKS, words.MARK_WORDS),
        (vocabulary.QUALITIES, words.QUALITY_WORDS),
        (vocabulary.KINDS, words.VALUE_UNITS),
        (vocabulary.OPERATORS, words.OPERATOR_SIGNS),
        (vocabulary.LEVELS, labels.LEVEL_WORDS),
        (vocabulary.SIGNAL_DIRECTIONS, labels.DIRECTION_WORDS),
        (vocabulary.CAPABILITIES, labels.CAPABILITY_WORDS),
        (vocabulary.SEVERITIES, words.SEVERITY_WORDS),
        (vocabulary.SEVERITIES, words.PLAIN_SEVERITY_WORDS),
        (vocabulary.SEVERITIES, words.SEVERITY_VERBS),
        (vocabulary.SOURCE_OUTCOMES, words.SOURCE_OUTCOME_WORDS),
        (vocabulary.TIERS, words.GATE_HEADINGS),
        (vocabulary.TIERS, words.GATE_QUESTIONS),
        (vocabulary.DELIVERY_STATUSES, words.DELIVERY_STATUS_WORDS),
        (vocabulary.QUARANTINE_STATES, words.QUARANTINE_STATE_WORDS),
    ],
)
def test_every_value_of_a_closed_list_has_words(values: Collection[str], table: Mapping[str, str]) -> None:
    assert set(table) == set(values)
    # Two values that read alike could not be told apart; units may be the same.
    assert table is words.VALUE_UNITS or len(set(table.values())) == len(values)


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        ("saknas:kon", "kon saknas"),
        ("format:rad", "Raden har fler celler än det finns rubriker"),
        ("ordning:beslut_datum>start_datum", "beslut_datum är senare än start_datum"),
        ("enhet:okand", "Enheten finns inte i enhetsregistret"),
        ("varde:fas", "fas har ett värde som inte är tillåtet"),
        ("nytt:x", "nytt:x"),
        ("ord", "ord"),
    ],
)
def test_reasons_in_words(reason: str, text: str) -> None:
    assert reason_text(reason) == text


def test_every_kind_of_reason_says_what_to_do() -> None:
    assert words._REASONS.keys() == words._REASON_ACTIONS.keys()
    assert words._REASON_KINDS.keys() == words._REASON_KIND_ACTIONS.keys()
    assert reason_action("saknas:kon") == "Fyll i kon i källsystemet och leverera raden igen."
    assert "beslut_datum och start_datum" in reason_action("ordning:beslut_datum>start_datum")
    assert reason_action("nytt:x") == reason_action("ord") == ""

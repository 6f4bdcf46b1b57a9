"""The organisation's seed: a wrong row of it is one sentence."""

from __future__ import annotations

import re

import pytest

from dagster_project.catalogue.organisation import OrganisationError, nodes, read_nodes
from dagster_project.catalogue.seeds import seed

ROWS = list(seed("organisation"))


def test_it_is_read_in_the_order_of_reports() -> None:
    assert read_nodes(reversed(ROWS)) == nodes()
    assert [node.order for node in nodes()] == sorted(node.order for node in nodes())


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"node": ""}, "rad 3 kan inte läsas: node är tom"),
        ({"name": " "}, "rad 3 kan inte läsas: name är tom"),
        ({"type": "klinik"}, "rad 3 kan inte läsas: klinik i type står där omrade eller verksamhet ska stå"),
        ({"sort_order": "först"}, "rad 3 kan inte läsas: först i sort_order är inget heltal"),
        ({"sort_order": ""}, "rad 3 kan inte läsas: ingenting i sort_order är inget heltal"),
        ({"node": ROWS[0]["node"]}, f"har 2 rader för {ROWS[0]['node']}: behåll en"),
        ({"parent": "XX"}, f"{ROWS[1]['node']} ligger under XX, som saknas: lägg till den"),
        ({"kolada_ou": None}, "rad 3 kan inte läsas: den har fler eller färre celler än rubriken"),
    ],
)
def test_a_wrong_row_is_told_in_one_sentence(change: dict[str, str | None], told: str) -> None:
    rows = [ROWS[0], ROWS[1] | change, *ROWS[2:]]
    with pytest.raises(OrganisationError, match=rf"^dbt/seeds/organisation\.csv.*{re.escape(told)}\.$"):
        read_nodes(rows)  # type: ignore[arg-type]


def test_an_organisation_without_the_area_or_a_column_is_told() -> None:
    with pytest.raises(OrganisationError, match="har ingen rad med type omrade"):
        read_nodes([row | {"parent": ""} for row in ROWS[1:]])
    with pytest.raises(OrganisationError, match=r"saknar kolumnen branch\.$"):
        read_nodes([{k: v for k, v in row.items() if k != "branch"} for row in ROWS])

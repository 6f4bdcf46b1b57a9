"""How a published number came about: find the cell, compute it again from the kept evidence, and say what may be said.

Works on any kept release, from its own files and its evidence alone: neither warehouse, dbt nor Dagster is needed.
A hidden cell is refused; what is told of a shown one about patients follows the rules of `patients`.
`text.sections` turns an Explanation into Swedish text.
"""

from __future__ import annotations

from dataclasses import replace

from dagster_project.core.paths import DataPaths
from dagster_project.products.explain import patients
from dagster_project.products.explain.calculation import calculate, check_agreement, has_data, observed
from dagster_project.products.explain.cell import Context
from dagster_project.products.explain.change import change_of
from dagster_project.products.explain.deliveries import accepted_inputs, gate_checks
from dagster_project.products.explain.model import Explanation, Told
from dagster_project.products.explain.query import Query, asked_cell
from dagster_project.products.explain.told import told_of
from dagster_project.releases.evidence import find

REFUSAL = "Cellen är dold av sekretesskäl (MSK): ingenting om dess tal visas, inte heller i delar."


def explain(data: DataPaths, query: Query) -> Explanation:
    """Explain one published cell.

    Raises ResultattavlaError, one sentence that says what exists, for every wrong question; when the evidence is gone;
    and when the evidence does not give the published numbers.
    """
    cell = asked_cell(data, query)
    release, indicator = cell.release, cell.indicator
    base = Explanation(release.id, release.as_of, indicator, cell.address, cell.period)
    if cell.hidden:
        return replace(base, refusal=REFUSAL)
    evidence = find(data, release.manifest, indicator.id)
    context = Context(data, cell, evidence)
    known = has_data(cell.row, evidence)
    seen = observed(context)
    calculation = calculate(indicator, seen.own, known)
    check_agreement(cell.row, calculation)
    basis = patients.basis(context) if indicator.patient else None
    told = told_of(context, seen, query.lines, basis) if known else Told()
    checks, passed = gate_checks(release, indicator)
    return replace(
        base,
        cell=cell.row,
        calculation=calculation,
        evidence_as_of=evidence.as_of,
        data_start=evidence.data_start,
        lacking=evidence.reading.lacking,
        exclusions=told.exclusions,
        files=told.files,
        files_note=told.files_note,
        undelivered=told.undelivered,
        lines=told.lines,
        lines_note=told.lines_note,
        deliveries=accepted_inputs(evidence.origin, indicator),
        checks=checks,
        checks_passed=passed,
        code_version=evidence.origin.code_version,
        catalogue_version=evidence.origin.catalogue_version,
        frozen_from=cell.row["release_id"] if cell.row["release_id"] != release.id else None,
        change=change_of(context, basis),
    )

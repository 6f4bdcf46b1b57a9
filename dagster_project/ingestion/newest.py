"""The newest accepted row per business key, by the same rule as the staging models (`engines.rules`)."""

from __future__ import annotations

from collections.abc import Sequence

from dagster_project.catalogue.contracts import Contract
from dagster_project.engines.rules import rule

NOT_REFUSED = "not exists (select 1 from refused f where f.delivery = a.delivery and f.line = a.line)"


def newest_rows(contract: Contract, where: str = "true", replaced: str = "replaced") -> str:
    """SQL over the views `accepted` (a) and `deliveries` (d) of one source; `where` chooses among its rows.

    replaced: of a source with full lists, the relation that `replaced_rows` made with the same `where`.
    """
    return rule(
        "newest_rows", _rows(contract, where), len(contract.key_sql), *([replaced] if contract.full_list else [])
    )


def replaced_rows(contract: Contract, where: str = "true") -> str:
    """SQL that gives replaced_delivery and replaced_line of a source with full lists, and no row of any other.

    Over the views `accepted` (a), `broken`, `refused` and `deliveries` (d) of the source; `where` chooses among its
    rows and must leave out those that are refused.
    """
    if contract.full_list is None:
        return "select '' as replaced_delivery, cast(0 as bigint) as replaced_line where false"
    set_aside = f"select distinct * from ({set_aside_rows(contract, 'key')})"
    return rule(
        "replaced_rows",
        delivered_rows(contract, where),
        len(contract.key_sql),
        len(contract.full_list.scope),
        set_aside,
    )


def delivered_rows(contract: Contract, where: str = NOT_REFUSED) -> str:
    """SQL for the accepted rows of a source's full lists, with key, scope and `delivered`, their extraction date."""
    form = contract.full_list
    assert form is not None
    scope = [rule("scope_columns", form.scope)] if form.scope else []
    return _rows(contract, f"{where} and {form.when_sql}", ["d.uttagsdatum as delivered", *scope])


def set_aside_rows(contract: Contract, *parts: str) -> str:
    """SQL for the rows in quarantine of a source's full lists whose key is readable: key, scope, unit, `delivered`.

    parts: `key` for the key alone.
    """
    form = contract.full_list
    assert form is not None
    conditions = [c.key_when[0] for c in contract.key if c.key_when]
    read = [*(c.stored for c in contract.key), *conditions]
    chosen = [rule("key_columns", contract.key_sql), "d.uttagsdatum as delivered"]
    if not parts:
        read += [*form.scope, *([contract.unit] if contract.unit else [])]
        chosen += [
            *([rule("scope_columns", form.scope)] if form.scope else []),
            *([contract.unit] if contract.unit else []),
        ]
    columns = ", ".join(dict.fromkeys([*read, *([form.when.column] if form.when else []), "delivery"]))
    return (
        f"select {', '.join(chosen)} from ("
        f"select {columns} from broken where key is not null union all "
        f"select {columns} from accepted a where not {NOT_REFUSED}"
        f") join deliveries d using (delivery) where {form.when_sql}"
    )


def _rows(contract: Contract, where: str, more: Sequence[str] = ()) -> str:
    columns = ["a.*", rule("key_columns", contract.key_sql), "d.position as delivery_order", *more]
    return f"select {', '.join(columns)} from accepted a join deliveries d using (delivery) where {where}"

"""All products, in the order in which they are made and named: one line each."""

from __future__ import annotations

from importlib import import_module

from dagster_project.core.errors import UsageError
from dagster_project.products.base import Product

_MODULES: tuple[str, ...] = (
    "board",
    "exports",
    "revisions",
    "data_docs",
    "steward_page",
    "reports",
    "postgres",
)
"""Below this package: each `<module>/product.py` has `PRODUCT`."""


def products() -> tuple[Product, ...]:
    """Every product."""
    found = (import_module(f"dagster_project.products.{name}.product").PRODUCT for name in _MODULES)
    return tuple(product for product in found if isinstance(product, Product))


def product(name: str) -> Product:
    """The product of a name. Raises UsageError, which names those that there are."""
    found = {p.name: p for p in products()}
    if name not in found:
        raise UsageError(f"Det finns ingen produkt som heter {name}. Produkter: {', '.join(found) or 'inga'}.")
    return found[name]

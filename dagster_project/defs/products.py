"""What people open, downstream of the release: made by the run's session after the job, so no step of it waits."""

from collections.abc import Sequence

import dagster as dg

from dagster_project.core.paths import DataPaths
from dagster_project.defs.common import OWNERS, page
from dagster_project.products.base import Product
from dagster_project.products.registry import products

GROUP = "products"


def published_products() -> list[Product]:
    """The products that are made from a release and published beside it."""
    return [product for product in products() if not product.stewards_only]


def consumers() -> dg.MetadataValue:
    """Who reads the release, as the release's own page lists them."""
    return dg.MetadataValue.md("\n".join(f"- **{p.title}** (`published/{p.name}`)" for p in published_products()))


def product_assets(data: DataPaths, release: dg.AssetKey) -> Sequence[dg.AssetSpec]:
    """An asset per product, which Dagster shows and does not make."""
    return [
        dg.AssetSpec(
            key=["published", product.name],
            deps=[release],
            group_name=GROUP,
            owners=OWNERS,
            description=(
                f"{product.title}: made from the release after "
                + ("every run (the setting `products` says which)" if product.in_every_run else "it was asked for")
                + ", whole or not at all; a run without it ends with code 2."
            ),
            metadata={
                "open": page(data.published / product.name / product.entry),
                "version": product.version,
                "reads_history": product.reads_history,
            },
        )
        for product in published_products()
    ]

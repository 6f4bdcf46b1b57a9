"""PostgreSQL: every release in a schema of its own, shown through views; the product's folder holds the receipt."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from dagster_project.core.errors import ResultattavlaError
from dagster_project.core.paths import DataPaths
from dagster_project.products.base import Making, Product

if TYPE_CHECKING:
    from dagster_project.products.postgres.server import PostgresServer

RECEIPT = "kvitto.json"


def _no_server(making: Making) -> None:
    raise ResultattavlaError("Ingen server är angiven: fyll i serve.postgres i resultattavla.toml.")


def _make(server: PostgresServer, making: Making) -> None:
    from dagster_project.products.postgres.serving import ensure_loaded
    from dagster_project.products.postgres.writing import VIEWS_SCHEMA

    plan = ensure_loaded(server, making.data, making.reading)
    receipt = {
        "utgava": plan.release_id,
        "server": f"{server.host}:{server.port}",
        "databas": server.database,
        "schema": plan.schema,
        "vyer": VIEWS_SCHEMA,
        "rader": dict(sorted(plan.rows.items())),
        "kontrollsumma": plan.digest,
    }
    text = json.dumps(receipt, ensure_ascii=False, indent=1) + "\n"
    (making.folder / RECEIPT).write_text(text, encoding="utf-8")


def _follow(server: PostgresServer, data: DataPaths) -> None:
    from dagster_project.products.postgres.serving import follow

    follow(server, data)


PRODUCT = Product(name="postgres", title="PostgreSQL", version="1", entry=RECEIPT, make=_no_server, in_every_run=False)
"""Without a server, as the registry knows it: it is made by `product_on` where the settings name one."""


def product_on(server: PostgresServer) -> Product:
    """The product on a server; another server's receipt is another version of it."""
    return replace(
        PRODUCT,
        version=f"{PRODUCT.version} {server.address}",
        make=partial(_make, server),
        follow=partial(_follow, server),
        in_every_run=True,
    )

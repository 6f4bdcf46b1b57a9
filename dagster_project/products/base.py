"""The interface of a product: what people open, made from one release into a folder of its own.

How one is added is told in docs/products.md; `products.make` makes them, `products.registry` lists them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dagster_project.core.paths import DataPaths
    from dagster_project.gates.outcomes import Outcome
    from dagster_project.ingestion.acknowledged import Acknowledgement
    from dagster_project.products.reading import Reading
    from dagster_project.runs.history import RunRecord
    from dagster_project.runs.identity import RunIdentity


@dataclass(frozen=True)
class ForStewards:
    """What only stewards' products are given: what the latest run left besides its release.

    records: newest first, the latest run's first. identity: of what it read, None where it did not come to that.
    outcomes: of the gates that it got through. anew: it came to something, not only to what the run before came to.
    acknowledged: the reviewed lines of rows in quarantine.
    """

    records: Sequence[RunRecord]
    identity: RunIdentity | None
    outcomes: Sequence[Outcome]
    acknowledged: Sequence[Acknowledgement]
    anew: bool = True


@dataclass(frozen=True)
class Making:
    """What a product is made from.

    reading: the release, typed. data: the data folder, only for products that say `reads_history`: run records and
    older releases. folder: empty; the product writes there and nowhere else. stewards: only for products that are
    `stewards_only`, whose folder is `data/docs`: there each file or folder of theirs is made whole in one step.
    """

    reading: Reading
    data: DataPaths
    folder: Path
    stewards: ForStewards | None = None

    @property
    def run(self) -> ForStewards:
        """What a stewards' product is made from. Raises AssertionError for any other."""
        assert self.stewards is not None
        return self.stewards


@dataclass(frozen=True)
class Product:
    """A product.

    name: of its folder `published/produkter/<release_id>/<name>/` and of the link `published/<name>`. title: in
    Swedish, as the summary names it. version: of its texts and templates; what an older version made is made again.
    entry: what to open in its folder. make: writes all of it, or raises; heavy imports stand inside it. in_every_run:
    made after every release, else on demand. reads_history: run records and older releases are read besides the
    release. stewards_only: reads evidence or quarantine, so that it never lies among what is published. follow:
    for what lies outside the data folder as well: brings it in line with `current`, or raises ResultattavlaError.
    """

    name: str
    title: str
    version: str
    entry: str
    make: Callable[[Making], None]
    in_every_run: bool = True
    reads_history: bool = False
    stewards_only: bool = False
    follow: Callable[[DataPaths], None] | None = None

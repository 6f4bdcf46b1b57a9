"""A release's manifest: what it is, what it was made from and by, and its files; `manifest.json`, typed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from dagster_project.core.files import PUBLISHED_FILE, replacing
from dagster_project.runs.parameters import Parameters

MANIFEST_FILE = "manifest.json"

_KEYS = {
    "release_id": "release_id",
    "run_id": "korning",
    "as_of": "as_of",
    "published": "publicerad",
    "inputs": "inputs",
    "code_version": "code_version",
    "catalogue_version": "catalogue_version",
    "packages": "packages",
    "parameters": "parameters",
    "sources": "kallor",
    "gates": "grindar",
    "held_back": "kvarhallna_indikatorer",
    "frozen": "frysta_indikatorer",
    "frozen_since": "frysta_sedan",
    "frozen_reports": "frysta_rapporter",
    "waivers": "undantag",
    "files": "files",
}
"""Field -> key of the published JSON, in its order."""


@dataclass(frozen=True)
class Origin:
    """What made a release's numbers: as `Manifest` has them."""

    release_id: str
    as_of: str
    code_version: str
    catalogue_version: str
    parameters: Mapping[str, Any]
    inputs: list[dict[str, Any]]

    @property
    def suppression_limit(self) -> int:
        return int(self.parameters["suppression_limit"])


@dataclass(frozen=True)
class Manifest:
    """What `manifest.json` says.

    run_id: the run that made the release. published: when (UTC, ISO 8601 with microseconds); it orders the releases of
    one day, and alone of what is said here differs between two makings, but for the hash of the database, whose format
    leaves bytes to chance. inputs: source, file, sha256, uttagsdatum, status of every delivery. sources:
    source -> outcome. gates: gate -> source -> outcome and failed expectations. held_back: indicators that were not
    computed -> the sources that hold them back. frozen: those of them that are in the release all the same -> the
    release that computed their rows; frozen_since: -> the day that these show. frozen_reports: the release whose
    reports of the plan are shown again, None where they are this one's. waivers: the waiver file, and whether
    each was used. files: name -> sha256 and rows.
    """

    release_id: str
    run_id: str | None
    as_of: str
    published: str
    inputs: list[dict[str, Any]]
    code_version: str
    catalogue_version: str
    packages: dict[str, str]
    parameters: dict[str, Any]
    sources: dict[str, str]
    gates: dict[str, dict[str, dict[str, Any]]]
    held_back: dict[str, list[str]]
    frozen: dict[str, str]
    frozen_since: dict[str, str]
    frozen_reports: str | None
    waivers: list[dict[str, Any]]
    files: dict[str, dict[str, Any]]

    @property
    def origin(self) -> Origin:
        return Origin(
            self.release_id, self.as_of, self.code_version, self.catalogue_version, self.parameters, self.inputs
        )

    @property
    def suppression_limit(self) -> int:
        return self.origin.suppression_limit

    @property
    def few_limit(self) -> int:
        """Below how many a cell is judged on few; what a release of older code does not say is what held for it."""
        return int(self.parameters.get("few_limit", Parameters.few_limit))

    @property
    def cells(self) -> int:
        """How many cells the release has."""
        return int(self.files["indicator_result.parquet"]["rows"])

    def lasting(self) -> dict[str, Any]:
        """What a release's manifest says however often it is made: not when, nor a database's bytes."""
        return {k: getattr(self, k) for k in _KEYS if k not in ("published", "files")}

    def write(self, folder: Path) -> None:
        """Write `manifest.json` into a release's folder, in one step."""
        content = {key: getattr(self, field) for field, key in _KEYS.items()}
        with replacing(folder / MANIFEST_FILE) as part:
            part.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
            part.chmod(PUBLISHED_FILE)


def read_manifest(folder: Path) -> Manifest | None:
    """The manifest in a folder; None when it is not there or is no manifest."""
    try:
        content = json.loads((folder / MANIFEST_FILE).read_text(encoding="utf-8"))
        early: dict[str, Any] = {
            "korning": None,
            "publicerad": "",
            "frysta_indikatorer": {},
            "frysta_sedan": {},
            "frysta_rapporter": None,
            "undantag": [],
        }  # of earlier releases
        said: dict[str, Any] = {f: content[key] if key in content else early[key] for f, key in _KEYS.items()}
        manifest = Manifest(**said)
        shaped = (
            isinstance(manifest.release_id, str)
            and isinstance(manifest.as_of, str)
            and isinstance(manifest.frozen_reports, str | None)
            and (not manifest.published or datetime.fromisoformat(manifest.published).tzinfo is not None)
            and isinstance(manifest.parameters, dict)
            and all(isinstance(m, dict) for m in (manifest.held_back, manifest.frozen, manifest.frozen_since))
            and all(isinstance(file["sha256"], str) for file in manifest.files.values())
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return manifest if shaped else None

"""What identifies a run. Data only: who reads the deliveries (`ingestion`) gives the inputs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from dagster_project.runs.parameters import Parameters
from dagster_project.runs.versions import catalogue_version, code_version, package_versions


@dataclass(frozen=True)
class RunIdentity:
    """The same inputs, catalogue, code, parameters and waivers give the same run id, on any day and machine.

    inputs: `ledger.inputs_of`. packages: versions of those that compute or store (they are in the release). parameters:
    `Parameters` as a dictionary. waivers: as their file says, in a fixed order.
    """

    as_of: date
    run_id: str
    inputs: list[dict[str, Any]]
    code_version: str
    catalogue_version: str
    packages: dict[str, str]
    parameters: dict[str, Any]
    waivers: list[dict[str, str]]


def identify(
    as_of: date, inputs: list[dict[str, Any]], parameters: Parameters, waivers: Iterable[Mapping[str, str]] = ()
) -> RunIdentity:
    """The identity of a run on these inputs."""
    content: dict[str, Any] = {
        "as_of": str(as_of),
        "inputs": inputs,
        "catalogue": catalogue_version(),
        "code": code_version(),
        "packages": package_versions(parameters.engine),
        "parameters": asdict(parameters),
        "waivers": sorted((dict(w) for w in waivers), key=lambda w: sorted(w.items())),
    }
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return RunIdentity(
        as_of=as_of,
        run_id=f"{as_of}-{digest[:12]}",
        inputs=inputs,
        code_version=content["code"],
        catalogue_version=content["catalogue"],
        packages=content["packages"],
        parameters=content["parameters"],
        waivers=content["waivers"],
    )


def computed_by(identity: RunIdentity) -> str:
    """What of an identity decides what is made of the same rows, whatever the day: one digest."""
    content = [identity.code_version, identity.catalogue_version, identity.packages, identity.parameters]
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()

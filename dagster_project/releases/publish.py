"""Publish a release: stage every file, audit the staged folder, then switch `current` in one step.

A release is immutable and its content follows from its inputs. The audit is the second lock: it trusts neither the
orchestration nor the models, only what is staged, the gates' kept outcomes and the numbers behind the hidden cells.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from dagster_project.catalogue.indicators import load_catalogue
from dagster_project.catalogue.vocabulary import GATES
from dagster_project.core.errors import ResultattavlaError
from dagster_project.core.files import remove
from dagster_project.core.paths import DataPaths
from dagster_project.gates.decision import decide, stop_reason
from dagster_project.gates.outcomes import read_outcomes
from dagster_project.releases import evidence
from dagster_project.releases.audit import audit
from dagster_project.releases.frozen import combined_id, frozen_in, frozen_rows, origins
from dagster_project.releases.manifest import MANIFEST_FILE
from dagster_project.releases.stage import Content, stage
from dagster_project.releases.store import Release, read_release, releases
from dagster_project.runs.folder import RunFolder
from dagster_project.runs.identity import RunIdentity


def publish(data: DataPaths, identity: RunIdentity) -> Release:
    """Stage, audit and switch. Raises ResultattavlaError, with `current` untouched, when anything is wrong."""
    content = _content(data, identity)
    release_id = content.release_id
    for leftover in data.releases.glob(".*.staging"):  # of runs that were killed; only one run writes at a time
        remove(leftover)
    staging = data.releases / f".{release_id}.{os.getpid()}.staging"
    staging.mkdir(parents=True)
    try:
        manifest = stage(staging, data, content)
        audit(staging, data, content)
        target = data.releases / release_id
        existing = read_release(target)
        if existing is None or existing.manifest.lasting() != manifest.lasting():
            if os.path.lexists(target):  # a damaged release is replaced, whole; out of sight it is swept away
                os.replace(target, data.releases / f".{release_id}.skadad.staging")
            os.replace(staging, target)
        # Before anyone reads the release: what its numbers came from. Evidence that was lost is written again.
        evidence.keep(data, Release(target, manifest), origins(content.frozen))
        switch_current(data, release_id)
        for damaged in data.releases.glob(".*.skadad.staging"):
            remove(damaged)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    release = read_release(data.releases / release_id)
    if release is None:
        raise ResultattavlaError(f"Utgåvan {release_id} kan inte läsas tillbaka: kontrollera disken och kör igen.")
    return release


def _content(data: DataPaths, identity: RunIdentity) -> Content:
    """What is to be published. Raises ResultattavlaError where nothing may be, or there is nothing to show."""
    outcomes = [o for gate in GATES for o in read_outcomes(RunFolder(data), gate, identity.run_id)]
    reason = stop_reason(outcomes)
    if reason:
        raise ResultattavlaError(reason)
    decision = decide(outcomes)
    before = release_of_run(data, identity.run_id)
    # A day that is run again keeps its rows, also where a release that was made since could give others.
    frozen = frozen_in(before) if before else frozen_rows(data, identity, decision.held_back)
    if len(decision.held_back) == len(load_catalogue()) and frozen.height == 0:
        sources = sorted({source for sources in decision.held_back.values() for source in sources})
        raise ResultattavlaError(
            f"Alla indikatorer hålls tillbaka av {', '.join(sources)} och det finns inga tidigare rader att visa: läs "
            f"i {data.docs / 'index.html'} vad som är fel och begär nya leveranser."
        )
    return Content(combined_id(identity, frozen), identity, outcomes, decision, frozen)


def release_of_run(data: DataPaths, run_id: str) -> Release | None:
    """The release that a run with this identity published, or None when it or its evidence is not whole."""
    for found in releases(data):  # a damaged one is made again
        if found.manifest.run_id == run_id and found.whole and evidence.is_whole(data, found.id):
            return found
    return None


def switch_current(data: DataPaths, release_id: str) -> None:
    """Point `current` at a release: a new link replaces the old one by rename, so readers see one or the other."""
    link = data.published / f".current.{os.getpid()}"
    link.unlink(missing_ok=True)
    link.symlink_to(Path("releases") / release_id)
    if data.current.is_dir() and not data.current.is_symlink():
        # Copied without links: a link cannot replace a folder. A copy of a release is swept away by the next run.
        if not (data.current / MANIFEST_FILE).exists():
            link.unlink()
            raise ResultattavlaError(f"{data.current} är en mapp, inte en länk: flytta undan den och kör igen.")
        os.replace(data.current, data.published / f".current.{os.getpid()}.mapp")
    os.replace(link, data.current)

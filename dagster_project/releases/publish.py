"""Publish a release: stage every file, audit the staged folder, then switch `current` in one step where it is due.

A release is immutable and its content follows from its inputs. The audit is the second lock: it trusts neither the
orchestration nor the models, only what is staged, the gates' kept outcomes and the numbers behind the hidden cells.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from dagster_project.catalogue.indicators import load_catalogue
from dagster_project.catalogue.vocabulary import GATES
from dagster_project.core.errors import ResultattavlaError
from dagster_project.core.files import PUBLISHED_FOLDER, remove
from dagster_project.core.paths import DataPaths
from dagster_project.gates.decision import decide, stop_reason
from dagster_project.gates.outcomes import read_outcomes
from dagster_project.releases import evidence
from dagster_project.releases.audit import audit
from dagster_project.releases.frozen import combined_id, frozen_in, frozen_rows
from dagster_project.releases.manifest import MANIFEST_FILE
from dagster_project.releases.reports import report_contract
from dagster_project.releases.retractions import require_standing, retractions
from dagster_project.releases.stage import Content, stage
from dagster_project.releases.store import Release, current_id, read_release, releases
from dagster_project.runs.folder import RunFolder
from dagster_project.runs.identity import RunIdentity


def publish(data: DataPaths, identity: RunIdentity, progress: Callable[[str], None] = lambda what: None) -> Release:
    """Stage, audit and switch. Raises ResultattavlaError, with `current` untouched, when anything is wrong.

    A past day that was asked for is published beside `current` (`place`). progress: is told what is done.
    """
    folder = RunFolder(data)
    folder.forget_release()
    content = _content(data, identity)
    release_id = content.release_id
    require_standing(data, release_id)
    for leftover in data.releases.glob(".*.staging"):  # of runs that were killed; only one run writes at a time
        remove(leftover)
    staging = data.releases / f".{release_id}.{os.getpid()}.staging"
    for above in (data.published, data.releases):
        if not above.exists():
            above.mkdir(parents=True)
            above.chmod(PUBLISHED_FOLDER)
    staging.mkdir()
    try:
        progress("skriver filerna")
        manifest = stage(staging, data, content)
        progress("granskar dem")
        audit(staging, data, content)
        target = data.releases / release_id
        existing = read_release(target)
        if existing is None or existing.manifest.lasting() != manifest.lasting():
            if os.path.lexists(target):  # a damaged release is replaced, whole; out of sight it is swept away
                os.replace(target, data.releases / f".{release_id}.skadad.staging")
            os.replace(staging, target)
        elif existing.manifest.published < newest_of_day(data, identity):
            # Published again after another one of its day: the last one published is the day's newest.
            replace(existing.manifest, published=content.published).write(target)
        # Before anyone reads the release: what its numbers came from. Evidence that was lost is written again.
        progress("sparar underlaget")
        made = Release(target, manifest)
        evidence.keep(data, made, content.frozen.origins)
        folder.note_release(identity.run_id, release_id)
        place(data, made, folder.day_was_asked)
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
    reports = report_contract()
    reports_held = reports is not None and reports.source in decision.failed
    frozen = frozen_in(before) if before else frozen_rows(data, identity, decision.held_back, reports_held)
    if len(decision.held_back) == len(load_catalogue()) and frozen.rows.height == 0:
        sources = sorted({source for sources in decision.held_back.values() for source in sources})
        raise ResultattavlaError(
            f"Alla indikatorer hålls tillbaka av {', '.join(sources)} och det finns inga tidigare rader att visa: läs "
            f"i {data.docs / 'index.html'} vad som är fel och begär nya leveranser."
        )
    now = datetime.now(UTC).isoformat(timespec="microseconds")
    newest = newest_of_day(data, identity)
    # A clock that was put back must not put a day's releases in another order.
    later = (
        (datetime.fromisoformat(newest) + timedelta(microseconds=1)).isoformat(timespec="microseconds")
        if newest
        else ""
    )
    return Content(combined_id(identity, frozen), identity, outcomes, decision, frozen, max(now, later))


def newest_of_day(data: DataPaths, identity: RunIdentity) -> str:
    """When the newest release of a run's day was published; empty when there is none."""
    found = releases(data, retracted=True)
    return max((r.manifest.published for r in found if r.as_of == str(identity.as_of)), default="")


def release_of_run(data: DataPaths, run_id: str) -> Release | None:
    """The release that a run with this identity published, or None when it or its evidence is not whole.

    One that shows frozen rows of a retracted release is none: the run that made it shows others now.
    """
    taken = set(retractions(data))
    for found in releases(data):  # a damaged one is made again
        if found.manifest.run_id != run_id or taken & found.origins:
            continue
        if found.whole and evidence.is_whole(data, found.id):
            return found
    return None


def place(data: DataPaths, release: Release, day_asked: bool) -> None:
    """Let `current` name a release that was just made, unless its day was asked for and a later one's is published.

    A past day that is run again so lies beside `current`, which still names something whole afterwards. A run whose day
    nobody asked for is the newest there is: a later day's release was made of what counts no more.
    """
    newer = _newer(data, release) if day_asked else None
    if newer is None:
        switch_current(data, release.id)
    elif read_release(data.current) is None:
        switch_current(data, newer.id)


def is_placed(data: DataPaths, release: Release, day_asked: bool) -> bool:
    """Whether `current` is switched to a release that was made, or need not be (`place`)."""
    return current_id(data) == release.id or (day_asked and _newer(data, release) is not None)


def _newer(data: DataPaths, release: Release) -> Release | None:
    """The newest whole release of a later day."""
    return next((r for r in releases(data) if r.as_of > release.as_of and r.whole), None)


def leave_retracted(data: DataPaths) -> str | None:
    """Let `current` name the newest whole release that stands where it names a retracted one; the id that it left.

    One up to its day goes before a later one, which something has put aside.

    Where there is none, there is no `current` any more: nothing is better than what is known to be wrong.
    """
    named = current_id(data)
    if named is None or named not in retractions(data):
        return None
    # Not a later day's, which would be `current` if it were to be read.
    found = sorted(releases(data), key=lambda r: r.as_of > named[:10])
    standing = next((r for r in found if r.whole), None)
    if standing is None:
        data.current.unlink()
    else:
        switch_current(data, standing.id)
    return named


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

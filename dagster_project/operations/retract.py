"""Take a wrong release back: mark it, let `current` name the one before, show it on the steward's page."""

from __future__ import annotations

from dataclasses import dataclass

from dagster_project.core.errors import ResultattavlaError
from dagster_project.core.paths import DataPaths
from dagster_project.core.reviewed import require_said
from dagster_project.operations.daily_run import session
from dagster_project.operations.products import AfterRun
from dagster_project.operations.settings import Settings
from dagster_project.operations.upkeep import remove_release
from dagster_project.products.make import prune_products
from dagster_project.releases import evidence, retractions
from dagster_project.releases.publish import leave_retracted, place, switch_current
from dagster_project.releases.store import current_id, published_release, release_ids, releases


@dataclass(frozen=True)
class Retracted:
    """What came of it. current: what `current` names now, None: nothing. showing: standing releases with frozen rows of
    the retracted one. of_retracted: retracted releases that frozen rows of the one that stands again are from. trouble:
    products that could not be made of what `current` names now, and where the retracted one may be seen still, a
    sentence each. exit_code: 2 where people may see what they saw before (not where a release of older code lacks a
    product)."""

    text: str
    current: str | None
    moved: bool
    showing: tuple[str, ...] = ()
    of_retracted: tuple[str, ...] = ()
    trouble: tuple[str, ...] = ()
    exit_code: int = 0


def retract(
    settings: Settings, release_id: str, reason: str, by: str, to: str | None = None, delete: bool = False
) -> Retracted:
    """Retract a release; its files stay unless they are to be deleted. A killed retraction is ended by the next run.

    to: the release that `current` is to name, where it named the retracted one; left out: the newest that stands.
    Raises ResultattavlaError where there is no such release, it is retracted already, `to` cannot be it, or reason or
    name are empty.
    """
    data = settings.paths
    require_said(reason, by)
    with session(data, settings) as here:
        _require_known(data, release_id)
        if known := retractions.retractions(data).get(release_id):
            raise ResultattavlaError(f"Utgåvan {release_id} är redan återkallad ({known.details}).")
        if to is not None:
            if to == release_id or to in retractions.retractions(data):
                raise ResultattavlaError(f"Utgåvan {to} är återkallad: ange en annan med --to.")
            published_release(data, to)
        was_current = current_id(data) == release_id
        made = retractions.retract(data, release_id, reason, by)
        if to is not None and was_current:
            switch_current(data, to)
        leave_retracted(data)
        if delete:
            _delete(data, release_id)
        came = here.show_again()
        seen = (
            f"{title} kan ännu visa den återkallade utgåvan {release_id}: kör `resultattavla postgres current` när "
            "det som hindrar är rättat."
            for title in came.behind
        )
        trouble = (*came.beside, *came.failed, *seen)
        showing = tuple(r.id for r in releases(data) if release_id in r.origins)
        code = _exit_code(came)
        return Retracted(made.text, current_id(data), was_current, showing, trouble=trouble, exit_code=code)


def take_back(settings: Settings, release_id: str, reason: str, by: str) -> Retracted:
    """Let a retracted release stand again; `current` names it where no later day's is published.

    Raises ResultattavlaError where it is not retracted, its files are gone, or reason or name are empty.
    """
    data = settings.paths
    require_said(reason, by)
    with session(data, settings) as here:
        known = retractions.retractions(data).get(release_id)
        if known is None:
            raise ResultattavlaError(f"Utgåvan {release_id} är inte återkallad.")
        if release_id not in release_ids(data):
            raise ResultattavlaError(
                f"Utgåvan {release_id} har inga filer kvar (--delete-files eller gallring) och kan inte gälla igen: "
                "återkallandet står kvar. Återställ utgåvans mapp ur säkerhetskopian först, om den ska gälla."
            )
        before = current_id(data)
        retractions.take_back(data, known, reason, by)
        newest = next((r for r in releases(data) if r.whole), None)
        if newest is not None and newest.id == release_id:
            place(data, newest, day_asked=False)
        came = here.show_again()
        standing = next((r for r in releases(data) if r.id == release_id), None)
        taken = set(retractions.retractions(data))
        wrong = tuple(sorted(taken & standing.origins)) if standing is not None else ()
        now = current_id(data)
        trouble = (*came.beside, *came.failed)
        return Retracted(
            f"Återkallandet av {release_id} är upphävt", now, now != before, (), wrong, trouble, _exit_code(came)
        )


def _exit_code(came: AfterRun) -> int:
    return 2 if came.failed or came.behind else 0


def _require_known(data: DataPaths, release_id: str) -> None:
    if release_id not in release_ids(data):
        published_release(data, release_id)  # tells which there are


def _delete(data: DataPaths, release_id: str) -> None:
    """Remove a release's files and the evidence that no other release needs."""
    release = next((r for r in releases(data, retracted=True) if r.id == release_id), None)
    if release is not None:
        remove_release(release)
        evidence.prune(data, set(release_ids(data)))
        prune_products(data)

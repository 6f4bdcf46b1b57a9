"""Retracted releases: each one small published file, `published/aterkallade/<release id>.json`.

A retracted release stays where it is, for who has to explain a number that was read in it. It is never what `current`
goes back to, where frozen rows come from, or what another release is compared with. The file is beside the release,
which is never changed, and stays when retention removes the release: the same id is then still not published again.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from dagster_project.core.clock import today_in_sweden
from dagster_project.core.errors import ResultattavlaError
from dagster_project.core.files import PUBLISHED_FILE, PUBLISHED_FOLDER, replacing
from dagster_project.core.paths import DataPaths
from dagster_project.core.reviewed import one_line


class RetractedReleaseError(ResultattavlaError):
    """What would be published was retracted: the message names the release, the reason and the ways out."""


@dataclass(frozen=True)
class Retraction:
    """Which release, why, by whom (name or role) and when (UTC, ISO 8601).

    upphavd: why, by whom and when the retraction was taken back; None while it holds.
    """

    release_id: str
    orsak: str
    aterkallad_av: str
    aterkallad: str
    upphavd: str | None = None

    @property
    def text(self) -> str:
        """The retraction as people are told it."""
        return f"Återkallad {self.details}"

    @property
    def details(self) -> str:
        """When, by whom and why."""
        return f"{_swedish_day(self.aterkallad)} av {self.aterkallad_av}: {self.orsak}"


def _swedish_day(time: str) -> str:
    return today_in_sweden(datetime.fromisoformat(time)).isoformat()


def _folder(data: DataPaths) -> Path:
    return data.published / "aterkallade"


def retractions(data: DataPaths) -> dict[str, Retraction]:
    """The retractions that hold, by release id. A damaged file still says which release by its name."""
    found = {}
    for path in sorted(_folder(data).glob("[0-9]*.json")):
        try:
            made = Retraction(**json.loads(path.read_text(encoding="utf-8")))
            _swedish_day(made.aterkallad)
        except (OSError, ValueError, TypeError):
            made = Retraction(path.stem, "anteckningen är skadad", "okänd", "1970-01-01T12:00:00+00:00")
        if made.upphavd is None:
            found[path.stem] = made
    return found


def retract(data: DataPaths, release_id: str, reason: str, by: str) -> Retraction:
    """Mark a release as retracted, in one step."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return _write(data, Retraction(release_id, one_line(reason), one_line(by), now))


def take_back(data: DataPaths, retraction: Retraction, reason: str, by: str) -> None:
    """Let a retracted release stand again; the file tells both."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    text = f"{_swedish_day(now)} av {one_line(by)}: {one_line(reason)}"
    _write(data, Retraction(**{**asdict(retraction), "upphavd": text}))


def _write(data: DataPaths, retraction: Retraction) -> Retraction:
    folder = _folder(data)
    if not folder.exists():
        folder.mkdir(parents=True)
        folder.chmod(PUBLISHED_FOLDER)
    with replacing(folder / f"{retraction.release_id}.json") as part:
        part.write_text(json.dumps(asdict(retraction), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        part.chmod(PUBLISHED_FILE)
    return retraction


def require_standing(data: DataPaths, release_id: str) -> None:
    """Raise RetractedReleaseError where a release of this id was retracted: it is not published again by itself."""
    if retraction := retractions(data).get(release_id):
        raise RetractedReleaseError(
            f"Utgåva {release_id} är återkallad och publiceras inte igen ({retraction.details}). Samma leveranser, kod "
            "och inställningar ger samma utgåva: ta ut den felaktiga leveransen med `resultattavla withdraw`, lägg en "
            "rättad i raw eller rätta koden. Är återkallandet fel: upphäv det med "
            f'`resultattavla retract {release_id} --undo --reason "..." --by "..."`.'
        )

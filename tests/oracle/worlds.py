"""What happens in the sources of part 2 of a random world (`deliveries`)."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from .catalogue import VERKSAMHETER, months_of
from .oracle import DRESS, HYGIENE, month_end
from .part2 import REPORTED

if TYPE_CHECKING:
    from .deliveries import World

Record = dict[str, Any]
STATUSES = ("ej_paborjad", "pagar", "genomford", "utgar")
COMMENTS = (
    None,
    None,
    "Går som planerat",
    "Klart; rutinen finns\ni ledningssystemet",
    'Kallas "piloten" | del två',
    "=SUMMA(1)",
    "Väntar på beslut – återkommer",
)


def hygiene(world: World, first: date, last: date) -> list[Record]:
    """bhk: observations at all units, also those out of the indicator's scope."""
    rng, rows = world.rng, []
    for _ in range(rng.randint(130, 260)):
        day = first + timedelta(days=rng.randint(0, (last - first).days))
        unit = world.unit(day, rng.choice(["AUD", "BUH|VUH", "AUD|BUH|VUH|SC|CFH|OT|FAM|TC"]))
        if unit is None:
            continue
        items = {item: rng.choices(["Ja", "Nej", "Ej aktuellt"], [93, 4, 3])[0] for item in (*HYGIENE, *DRESS)}
        who = rng.choice([None, "Audionom", "Läkare; specialist"])
        rows.append(
            {
                "observation_id": f"OBS-{world.fresh():05d}",
                "hsaid_enhet": unit,
                "observationsdatum": day,
                "yrkeskategori": who,
                **items,
            }
        )
    return rows


def rounds(world: World, first: date, last: date) -> list[Record]:
    """ronder: few, so that windows are empty somewhere."""
    rng, rows = world.rng, []
    for _ in range(rng.randint(40, 90)):
        day = first + timedelta(days=rng.randint(0, (last - first).days))
        unit = world.unit(day, rng.choice(["AUD", "BUH|VUH", "AUD|BUH|VUH|SC|CFH|OT|FAM|TC"]))
        if unit:
            rows.append(
                {
                    "rond_id": f"R-{world.fresh():05d}",
                    "hsaid_enhet": unit,
                    "rondtyp": rng.choice(["patientsakerhet", "miljo"]),
                    "form": rng.choice([None, "genomford", "uppfoljd"]),
                    "ronddatum": day,
                }
            )
    return rows


def _unit_months(world: World, first: date, last: date, share: float) -> list[tuple[str, date]]:
    """Units and months in which they are valid some day."""
    found = []
    for month in months_of(first, last):
        end = month_end(month)
        for unit, periods in world.units.items():
            if any(a <= end and b >= month for a, b, _, _ in periods) and world.rng.random() < share:
                found.append((unit, month))
    return found


def purchases(world: World, first: date, last: date) -> list[Record]:
    """klimatinkop: a list of articles per unit and month; returns are negative."""
    rng, rows = world.rng, []
    for unit, month in _unit_months(world, first, last, 0.4):
        for article in rng.sample(["engångshandskar", "Förkläden", "muggar; papp", "batterier"], rng.randint(1, 2)):
            amount = Decimal(rng.randint(-40_000, 900_000)) / 100
            rows.append(
                {
                    "hsaid_enhet": unit,
                    "manad": month,
                    "artikelgrupp": article,
                    "antal": Decimal(rng.randint(0, 4000)) / rng.choice([1, 1, 4]),
                    "belopp_kr": amount,
                }
            )
    return rows


def accounts(world: World, first: date, last: date) -> list[Record]:
    """ekonomi: two grants and some costs per verksamhet and month."""
    rng, rows = world.rng, []
    groups = {"4010": "lon", "5010": "kopt_vard", "6010": "ovrig_kostnad", "6990": "kvalitetsbrist", "7010": None}
    for code in rng.sample(VERKSAMHETER, 3):
        for month in months_of(first, last):
            grants = [("3010", "anslag", 150_000), ("3011", "anslag", 20_000)]
            costs = [(konto, group, -70_000) for konto, group in groups.items() if rng.random() < 0.6]
            for konto, group, size in [*grants, *costs]:
                actual = Decimal(size * rng.randint(50, 140)) / 100 + Decimal(rng.randint(0, 99)) / 100
                budget = Decimal(size) if rng.random() < 0.7 else None
                rows.append(
                    {
                        "verksamhet": code,
                        "manad": month,
                        "konto": konto,
                        "konto_grupp": group,
                        "utfall_kr": actual,
                        "budget_kr": budget,
                    }
                )
    return rows


def services(world: World, first: date, last: date) -> list[Record]:
    """etjanster: some used, some at zero, by units of all verksamheter."""
    rng, rows = world.rng, []
    for unit, month in _unit_months(world, first, last, 0.35):
        for service in rng.sample(["ombokning", "avbokning", "bokning", "förnya hjälpmedel"], rng.randint(1, 2)):
            rows.append(
                {
                    "hsaid_enhet": unit,
                    "manad": month,
                    "tjanst": service,
                    "antal": rng.choice([0, rng.randint(1, 40), rng.randint(1, 1500)]),
                }
            )
    return rows


def activities(world: World, first: date, last: date) -> list[Record]:
    """aktiviteter: some verksamheter report some items now and then."""
    rng, rows = world.rng, []
    items = rng.sample(REPORTED, max(6, len(REPORTED) * 2 // 3))
    items += [item for item in REPORTED if item.id in ("HH-2022-02", "HH-2022-30") and item not in items]
    for month in months_of(first, last):
        for item in items:
            for code in item.scope:
                if rng.random() < 0.05:
                    counted = rng.random() < (0.7 if item.id in ("HH-2022-02", "HH-2022-30") else 0.1)
                    rows.append(
                        {
                            "aktivitet_id": item.id,
                            "verksamhet": code,
                            "manad": month,
                            "status": rng.choices(STATUSES, [2, 4, 5, 1])[0],
                            "antal": Decimal(rng.randint(0, 6)) if counted else None,
                            "kommentar": rng.choice(COMMENTS),
                        }
                    )
    return rows

"""Settings: `resultattavla.toml` documents every key with its default; environment variables override it.

A key `a.b` of the file is the variable `RESULTATTAVLA_A__B`. What changes results (`Settings.parameters`) is part of
the release id. No secret belongs here: the key for person_id has its own variable and file (`persons`).
"""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, HttpUrl, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from dagster_project.catalogue.contracts import load_contracts
from dagster_project.catalogue.periods import MOST_YEARS_BEFORE
from dagster_project.core.errors import UsageError
from dagster_project.core.paths import PROJECT, DataPaths
from dagster_project.engines.duckdb import Machine
from dagster_project.engines.engine import DUCKDB, LOCAL_MASTER, Engine, EngineName
from dagster_project.ingestion.readers import Limits
from dagster_project.products.base import Product
from dagster_project.products.postgres.product import product_on
from dagster_project.products.postgres.server import PostgresServer
from dagster_project.products.registry import products
from dagster_project.runs.parameters import DriftLimits, Parameters, Thresholds, agreed_ages

PREFIX = "RESULTATTAVLA_"
CONFIG_VARIABLE = f"{PREFIX}CONFIG"
CONFIG_FILE = PROJECT / "resultattavla.toml"
LINEAGE_KEY_VARIABLE = f"{PREFIX}LINEAGE_KEY"
"""The key of the address that lineage is sent to: a secret, so no setting."""
OTHER_VARIABLES = {CONFIG_VARIABLE, LINEAGE_KEY_VARIABLE, f"{PREFIX}PERSON_KEY", f"{PREFIX}REQUIRE_PROGRAMS"}
"""Variables with our prefix that are no settings."""


class SettingsError(UsageError):
    """A setting cannot be used: one sentence per key, naming it and where it was set."""


def _sources(ages: dict[str, int]) -> dict[str, int]:
    unknown = sorted(set(ages) - set(load_contracts()))
    if unknown:
        raise ValueError(f"det finns ingen källa {', '.join(unknown)} (källor: {', '.join(load_contracts())})")
    return ages


ALL_PRODUCTS: Literal["alla"] = "alla"


def _products(names: Literal["alla"] | tuple[str, ...]) -> Literal["alla"] | tuple[str, ...]:
    known = [p.name for p in products() if not p.stewards_only]
    if names != ALL_PRODUCTS and (unknown := sorted(set(names) - set(known))):
        raise ValueError(f"det finns ingen produkt {', '.join(unknown)} (produkter: {', '.join(known)})")
    return names


_Days = Annotated[int, Field(ge=1, le=3650)]


def _master(text: str) -> str:
    if not re.fullmatch(r"local\[(\*|[1-9]\d*)\]|spark://[^\s/:]+:\d{1,5}", text):
        raise ValueError("skriv local[2] (så många kärnor på den här maskinen) eller spark://värd:port")
    return text


class Retention(BaseModel):
    """How much is kept: releases, what was made of so many of them in every run, run records, Dagster's event logs."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    releases: Annotated[int, Field(ge=1)] = 400
    products: Annotated[int, Field(ge=1)] = 30
    runs: Annotated[int, Field(ge=30)] = 400
    dagster_runs: Annotated[int, Field(ge=1)] = 60


class Notify(BaseModel):
    """Who is told what a run came to: a command (JSON on its standard input) or an address (JSON by POST)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    command: tuple[str, ...] = ()
    webhook: HttpUrl | None = None
    when: Literal["held_back", "always"] = "held_back"


class Spark(BaseModel):
    """Where Apache Spark runs, when it is the engine: in this process, or a standalone cluster."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    master: Annotated[str, AfterValidator(_master)] = LOCAL_MASTER


class Serve(BaseModel):
    """Where releases are served besides the files. postgres: None where no server is named."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    postgres: PostgresServer | None = None


class Lineage(BaseModel):
    """Where a run's OpenLineage events go: a file that they are appended to, an address, or both; neither: nowhere.

    namespace: of all jobs and datasets in them. file: absolute.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: Path | None = None
    address: HttpUrl | None = None
    namespace: Annotated[str, Field(min_length=1)] = "resultattavla"

    @property
    def asked_for(self) -> bool:
        return self.file is not None or self.address is not None


class Settings(BaseSettings):
    """All settings, checked. Paths are absolute."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True, case_sensitive=False
    )

    raw: Path = PROJECT / "raw"
    data: Path = PROJECT / "data"
    waivers: Path = PROJECT / "expectations" / "waivers.csv"
    withdrawals: Path = PROJECT / "expectations" / "aterkallade.csv"
    acknowledged: Path = PROJECT / "expectations" / "kvitterade.csv"
    tolerance_days: Annotated[int, Field(ge=0, le=365)] = Parameters.tolerance_days
    suppression_limit: Annotated[int, Field(ge=2, le=1000)] = Parameters.suppression_limit
    publicera_preliminart: Literal["ja", "nej"] = "ja"
    skydda_taljare: Literal["nej"] = "nej"
    few_limit: Annotated[int, Field(ge=1, le=1000)] = Parameters.few_limit
    years_before: Annotated[int, Field(ge=0, le=MOST_YEARS_BEFORE)] = Parameters.years_before
    agreed_age_days: Annotated[dict[str, _Days], AfterValidator(_sources)] = Field(default_factory=dict)
    thresholds: Thresholds = Thresholds()
    drift: DriftLimits = DriftLimits()
    largest_file_mb: Annotated[int, Field(ge=1)] = Limits.file_mb
    largest_workbook_mb: Annotated[int, Field(ge=1)] = Limits.workbook_mb
    machine: Machine = Machine()
    products: Annotated[Literal["alla"] | tuple[str, ...], AfterValidator(_products)] = ALL_PRODUCTS
    retention: Retention = Retention()
    notify: Notify = Notify()
    engine: EngineName = DUCKDB
    spark: Spark = Spark()
    serve: Serve = Serve()
    lineage: Lineage = Lineage()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What code gives, over the environment, over the file, over the defaults."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, config_file())

    @property
    def paths(self) -> DataPaths:
        """The data folder."""
        return DataPaths(self.data)

    @property
    def limits(self) -> Limits:
        """How much one delivered file may hold in memory."""
        return Limits(self.largest_file_mb, self.largest_workbook_mb)

    @property
    def made_in_every_run(self) -> list[Product]:
        """What people open that is made after every run; PostgreSQL where a server is named."""
        if self.products == ALL_PRODUCTS:
            chosen = [p for p in products() if p.in_every_run and not p.stewards_only]
        else:
            chosen = [p for p in products() if p.name in self.products]
        if self.serve.postgres is None:
            return chosen
        served = product_on(self.serve.postgres)
        return [*(p for p in chosen if p.name != served.name), served]

    @property
    def models_on(self) -> Engine:
        """What dbt's models are built on."""
        return Engine(self.engine, self.spark.master)

    def parameters(self) -> Parameters:
        """What changes results."""
        return Parameters(
            tolerance_days=self.tolerance_days,
            suppression_limit=self.suppression_limit,
            few_limit=self.few_limit,
            publicera_preliminart=self.publicera_preliminart,
            skydda_taljare=self.skydda_taljare,
            years_before=self.years_before,
            agreed_age_days=agreed_ages(self.agreed_age_days),
            thresholds=self.thresholds,
            drift=self.drift,
            engine=self.engine,
        )


def config_file() -> Path:
    """The settings file: `RESULTATTAVLA_CONFIG`, else `resultattavla.toml` in the project."""
    return Path(os.environ.get(CONFIG_VARIABLE) or CONFIG_FILE).absolute()


def load_settings() -> Settings:
    """The settings of file and environment. Raises SettingsError naming every key that cannot be used."""
    path = config_file()
    if CONFIG_VARIABLE in os.environ and not path.is_file():
        raise SettingsError(f"Inställningsfilen {path} finns inte ({CONFIG_VARIABLE}).")
    try:
        settings = Settings()
    except ValidationError as error:
        raise SettingsError("\n".join(_sentence(e, path) for e in error.errors())) from None
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"Inställningsfilen {path} kan inte läsas som TOML: {error}.") from None
    except ValueError as error:  # a variable that should hold JSON (a list or a table) and does not
        raise SettingsError(f"En miljövariabel som börjar med {PREFIX} kan inte tolkas: {error}.") from None
    known = {f"{PREFIX}{name}".upper() for name in Settings.model_fields}
    for variable in sorted(os.environ):
        if variable.startswith(PREFIX) and variable.split("__")[0] not in known | OTHER_VARIABLES:
            raise SettingsError(f"Miljövariabeln {variable} är ingen inställning: se {CONFIG_FILE.name}.")
    # A path of the file is relative to the file, one of the environment to where the command was started.
    paths = {
        name: (Path.cwd() if f"{PREFIX}{name.upper()}" in os.environ else path.parent) / getattr(settings, name)
        for name in ("raw", "data", "waivers", "withdrawals", "acknowledged")
    }
    if (events := settings.lineage.file) is not None:
        base = Path.cwd() if f"{PREFIX}LINEAGE__FILE" in os.environ else path.parent
        settings = settings.model_copy(update={"lineage": settings.lineage.model_copy(update={"file": base / events})})
    if "waivers" in settings.model_fields_set and not paths["waivers"].is_file():
        # A mistyped path would silently be a file without waivers.
        raise SettingsError(
            f"Filen med undantag {paths['waivers']} finns inte: rätta inställningen waivers, eller skapa filen med "
            "raden suite,expectation,source,reason,approved_by,last_date."
        )
    if "withdrawals" in settings.model_fields_set and not paths["withdrawals"].parent.is_dir():
        raise SettingsError(
            f"Mappen för återkallade leveranser {paths['withdrawals'].parent} finns inte: rätta inställningen "
            "withdrawals eller skapa mappen."
        )
    settings = settings.model_copy(update=paths)
    postgres = settings.serve.postgres
    if postgres is not None and postgres.passfile is not None:
        base = Path.cwd() if f"{PREFIX}SERVE__POSTGRES__PASSFILE" in os.environ else path.parent
        passfile = postgres.model_copy(update={"passfile": base / postgres.passfile.expanduser()})
        settings = settings.model_copy(update={"serve": Serve(postgres=passfile)})
    return settings


_PROBLEMS = {
    "extra_forbidden": "finns inte",
    "missing": "saknas",
    "string_too_short": "ska inte vara tom",
    "unexpected_keyword_argument": "finns inte",
    "int_parsing": "ska vara ett heltal",
    "int_type": "ska vara ett heltal",
    "int_from_float": "ska vara ett heltal",
    "float_parsing": "ska vara ett tal",
    "float_type": "ska vara ett tal",
    "finite_number": "ska vara ett tal",
    "string_type": "ska vara text",
    "path_type": "ska vara en sökväg",
    "tuple_type": "ska vara en lista",
    "list_type": "ska vara en lista",
    "dict_type": "ska vara en tabell",
    "model_type": "ska vara en tabell",
    "dataclass_type": "ska vara en tabell",
    "url_scheme": "ska vara en adress som börjar med http:// eller https://",
    "url_parsing": "ska vara en adress som börjar med http:// eller https://",
    "url_type": "ska vara en adress som börjar med http:// eller https://",
}


def _sentence(error: Any, path: Path) -> str:
    """One pydantic error in Swedish: the key, where it was set, what it should be. The value is not repeated."""
    location = [str(part) for part in error["loc"]]
    top = PREFIX + location[0].upper() if location else PREFIX
    exact = PREFIX + "__".join(location).upper()
    given = sorted(v for v in os.environ if v == top or v.startswith(f"{top}__"))
    where = f"miljövariabeln {exact if exact in given else given[0]}" if given else str(path)
    return f"Inställningen {'.'.join(location)} {problem_of(error)} ({where})."


def problem_of(error: Any) -> str:
    """What a value should be, by one pydantic error: the rest of a sentence that names it."""
    context, kind = error.get("ctx", {}), error["type"]
    if kind == "greater_than_equal":
        return f"ska vara minst {context['ge']}"
    if kind == "less_than_equal":
        return f"ska vara högst {context['le']}"
    if kind in ("literal_error", "enum"):
        return f"ska vara {context['expected'].replace(' or ', ' eller ')}"
    if kind == "value_error":
        return f"är fel: {context['error']}"
    return _PROBLEMS.get(kind) or str(error["msg"])

"""The PostgreSQL server that releases are served from: the setting `serve.postgres`, connections, and what it refuses.

The password comes from libpq's own places (`PGPASSWORD`, a passfile), never from the settings file.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from dagster_project.core.errors import BusyError, ResultattavlaError
from dagster_project.core.masking import mask

if TYPE_CHECKING:
    import psycopg

WRITER_ROLE, READER_ROLE = "resultat_skrivare", "resultat_lasare"
OLDEST_VERSION = 15
"""Older ones have no unique keys over empty columns, and are no longer maintained."""
_OUR_LOCK = 7_373_010_115
"""Advisory lock of whoever writes; any number that nobody else takes."""
_OPTIONS = {
    "search_path": "pg_catalog",
    "datestyle": "ISO",
    "timezone": "UTC",
    "extra_float_digits": "1",
    "synchronize_seqscans": "off",  # rows are read back in the order in which they were written
    "lock_timeout": "30s",
    "statement_timeout": "30min",
    "idle_in_transaction_session_timeout": "30min",
}


class PostgresServer(BaseModel):
    """Where releases are served, and how many of them.

    host: a name, an address or the folder of a socket. passfile: in libpq's form; left out, PGPASSFILE or ~/.pgpass.
    releases: how many of the newest are kept there. switch_seconds: how long a switch waits for readers' transactions.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: Annotated[str, Field(min_length=1)]
    port: Annotated[int, Field(ge=1, le=65535)] = 5432
    database: Annotated[str, Field(min_length=1)] = "resultat"
    user: Annotated[str, Field(min_length=1)] = "resultattavla"
    passfile: Path | None = None
    sslmode: Literal["disable", "prefer", "require", "verify-ca", "verify-full"] = "prefer"
    releases: Annotated[int, Field(ge=1, le=1000)] = 10
    connect_seconds: Annotated[int, Field(ge=2, le=300)] = 10
    switch_seconds: Annotated[int, Field(ge=1, le=3600)] = 60

    @model_validator(mode="before")
    @classmethod
    def _no_password(cls, given: Any) -> Any:
        if isinstance(given, dict) and {str(name).lower() for name in given} & {"password", "losenord"}:
            raise ValueError("lösenordet hör inte hemma i en inställning: lägg det i PGPASSWORD eller i en passfil")
        return given

    @property
    def address(self) -> str:
        """Server and database, as people are told them."""
        return f"{self.host}:{self.port}/{self.database}"


@contextmanager
def connected(server: PostgresServer, writing: bool = True) -> Iterator[psycopg.Connection[Any]]:
    """A connection, each statement its own transaction; what the server refuses is a ResultattavlaError.

    writing: as `resultat_skrivare`, and as the only one of us who writes there. Else as the user itself, to look.
    """
    import psycopg

    try:
        with psycopg.connect(
            host=server.host,
            port=server.port,
            dbname=server.database,
            user=server.user,
            sslmode=server.sslmode,
            connect_timeout=server.connect_seconds,
            application_name="resultattavla",
            client_encoding="UTF8",
            options=" ".join(f"-c {name}={value}" for name, value in _OPTIONS.items()),
            # A server that is gone without a word is noticed.
            keepalives_idle=15,
            keepalives_interval=5,
            keepalives_count=3,
            tcp_user_timeout=60_000,
            autocommit=True,
            passfile=str(server.passfile) if server.passfile is not None else None,
        ) as connection:
            if connection.info.server_version < OLDEST_VERSION * 10_000:
                raise ResultattavlaError(
                    f"PostgreSQL {connection.info.server_version // 10_000} på {server.address} är för gammal: "
                    f"version {OLDEST_VERSION} eller nyare behövs."
                )
            encoding = connection.info.parameter_status("server_encoding")
            if encoding != "UTF8":
                raise ResultattavlaError(
                    f"Databasen {server.address} har teckenkodningen {encoding}: gör om den med UTF8 (createdb "
                    "--encoding UTF8)."
                )
            if writing:
                connection.execute(f"set role {WRITER_ROLE}")
                if connection.execute("select pg_try_advisory_lock(%s)", [_OUR_LOCK]).fetchone() != (True,):
                    raise BusyError(f"En annan körning skriver just nu i {server.address}: kör igen om en stund.")
            yield connection
    except psycopg.Error as error:
        raise server_error(error, server) from error


_BY_STATE = {
    "22023": "rollen {role} finns inte: låt databasens administratör köra deploy/postgresql.sql",
    "25006": "den kan bara läsas (en kopia eller läsläge): ange servern som tar emot skrivningar",
    "28000": "användaren {user} släpps inte in: kontrollera användaren och serverns pg_hba.conf",
    "28P01": "lösenordet för {user} är fel: rätta PGPASSWORD eller passfilen",
    "2BP01": "något annat i databasen bygger på det som ska bytas ut eller tas bort: ta bort det, eller låt det läsa "
    "vyerna i schemat resultat under andra namn",
    "3D000": "databasen {database} finns inte: skapa den, eller rätta serve.postgres.database",
    "42501": "användaren {user} saknar rättigheter: låt databasens administratör köra deploy/postgresql.sql och ge "
    "{user} rollen {role}",
    "53100": "serverns disk är full: frigör utrymme på den",
    "53200": "serverns minne räcker inte",
    "53300": "alla serverns anslutningar är upptagna: höj max_connections eller stäng någon",
    "55P03": "någon annan håller det som ska ändras: se i pg_stat_activity vem",
    "57014": "det tog för lång tid: se i pg_stat_activity vad servern gör",
    "57P01": "servern stängs",
    "57P02": "servern har kraschat",
    "57P03": "servern startar eller stängs",
}
_BY_TEXT = {
    "password authentication failed": "28P01",
    "no password supplied": "28P01",
    "no pg_hba.conf entry": "28000",
    "is not permitted to log in": "28000",
    "too many": "53300",
    "remaining connection slots": "53300",
    "the database system is": "57P03",
}
"""libpq says of a failed connection no more than a text; in English on a server whose lc_messages is C or en."""


def server_error(error: psycopg.Error, server: PostgresServer) -> ResultattavlaError:
    """What the server refused, as one sentence: which server, what, what to do."""
    text = " ".join(str(error).split())
    state = error.sqlstate or next((state for said, state in _BY_TEXT.items() if said in text), None)
    if state is None and 'database "' in text and "does not exist" in text:
        state = "3D000"
    if state is None and 'role "' in text and "does not exist" in text:
        state = "28000"
    if state in _BY_STATE:
        said = _BY_STATE[state].format(user=server.user, database=server.database, role=WRITER_ROLE)
    elif state is None:
        said = f"den svarar inte ({mask(text)}): starta den, eller rätta serve.postgres"
    else:
        said = f"den säger nej ({state}: {mask(text)})"
    return ResultattavlaError(f"PostgreSQL på {server.address}: {said}. Nästa körning kommer ikapp.")

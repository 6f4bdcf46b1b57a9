"""The PostgreSQL server that releases are served from: the setting `serve.postgres`, connections, and what it refuses.

The password comes from libpq's own places (`PGPASSWORD`, a passfile), never from the settings file.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from dagster_project.core.errors import ResultattavlaError, system_reason
from dagster_project.core.masking import mask

if TYPE_CHECKING:
    import psycopg

    Connection = psycopg.Connection[Any]

WRITER_ROLE, READER_ROLE = "resultat_skrivare", "resultat_lasare"
OLDEST_VERSION = 15
"""Older ones have no unique keys over empty columns, and are no longer maintained."""
_CONNECTION_STRING = re.compile(r"=|://|:.*@|\s")
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

    @field_validator("host", "database", "user")
    @classmethod
    def _a_name(cls, given: str) -> str:
        if _CONNECTION_STRING.search(given):  # it may hold a password, and these are told to people
            raise ValueError(
                "ska vara bara ett namn: port, användare och annat har egna inställningar, och lösenordet hör hemma i "
                "PGPASSWORD eller i en passfil"
            )
        return given

    @property
    def address(self) -> str:
        """Server and database, as people are told them."""
        return f"{self.host}:{self.port}/{self.database}"


@contextmanager
def connected(server: PostgresServer) -> Iterator[Connection]:
    """A connection as `resultat_skrivare`, each statement its own transaction.

    Raises ResultattavlaError for what the server refuses, and where the passfile cannot be used.
    """
    import psycopg

    _require_passfile(server)
    logging.getLogger("psycopg").setLevel(logging.ERROR)  # that a broken connection rolls nothing back is no news
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
            for role in (WRITER_ROLE, READER_ROLE):
                if connection.execute("select 1 from pg_roles where rolname = %s", [role]).fetchone() is None:
                    raise ResultattavlaError(
                        f"PostgreSQL på {server.address}: rollen {role} finns inte: låt databasens administratör köra "
                        "deploy/postgresql.sql. Sedan kommer nästa körning ikapp."
                    )
            connection.execute(f"set role {WRITER_ROLE}")
            yield connection
    except psycopg.Error as error:
        raise server_error(error, server) from error


def _require_passfile(server: PostgresServer) -> None:
    """Raise ResultattavlaError where libpq would pass over the passfile, of which it says no more than a warning."""
    named = server.passfile or os.environ.get("PGPASSFILE")
    path = Path(named) if named else Path.home() / ".pgpass"
    if os.environ.get("PGPASSWORD") or not (named or path.exists()):
        return
    try:
        if not path.is_file():
            said = "är ingen fil" if path.exists() else "finns inte"
            raise ResultattavlaError(f"Passfilen {path} {said}: lägg den där, eller rätta serve.postgres.passfile.")
        if path.stat().st_mode & 0o077:
            raise ResultattavlaError(f"Passfilen {path} kan läsas av fler än ägaren och används inte: chmod 600 {path}")
        path.open("rb").close()
    except OSError as error:
        raise ResultattavlaError(
            f"Passfilen {path} kan inte läsas ({system_reason(error)}): ge den som kör rätt att läsa den."
        ) from error


_PASSING = {
    "40001": "någon annan ändrade samma sak samtidigt",
    "40P01": "någon annan ändrade samma sak samtidigt",
    "53100": "serverns disk är full: frigör utrymme på den",
    "53200": "serverns minne räcker inte",
    "53300": "alla serverns anslutningar är upptagna: höj max_connections eller stäng någon",
    "53300 role": "alla anslutningar som {user} får ha är upptagna: stäng någon, eller höj gränsen (alter role ... "
    "connection limit)",
    "53300 database": "alla anslutningar som databasen {database} får ha är upptagna: stäng någon, eller höj gränsen "
    "(alter database ... connection limit)",
    "55P03": "någon annan håller det som ska ändras: se i pg_stat_activity vem",
    "57014": "det tog för lång tid: se i pg_stat_activity vad servern gör",
    "57P01": "servern stängs",
    "57P02": "servern har kraschat",
    "57P03": "servern startar eller stängs",
    "away": "den svarar inte: starta den, eller rätta serve.postgres",
}
"""What a later run may do without anybody's help."""
_MENDABLE = {
    "25006": "den kan bara läsas (en kopia eller läsläge): ange servern som tar emot skrivningar",
    "28000": "användaren {user} släpps inte in: kontrollera användaren och serverns pg_hba.conf",
    "28P01": "lösenordet för {user} är fel: rätta PGPASSWORD eller passfilen",
    "28P01 none": "lösenord för {user} saknas: sätt PGPASSWORD, eller lägg en rad för {user} i passfilen",
    "3D000": "databasen {database} finns inte: skapa den, eller rätta serve.postgres.database",
    "42501": "användaren {user} saknar rättigheter: låt databasens administratör köra deploy/postgresql.sql och ge "
    f"{{user}} rollen {WRITER_ROLE}",
    "shut": "databasen {database} tar inte emot anslutningar: låt dess administratör tillåta dem (alter database ... "
    "allow_connections true)",
    "certificate": "serverns certifikat godtas inte: rätta det, dess utgivare (PGSSLROOTCERT) eller "
    "serve.postgres.sslmode",
    "host": "värden {host} finns inte: rätta serve.postgres.host",
    "tls": "den har ingen TLS: slå på det på servern, eller rätta serve.postgres.sslmode",
}
_BY_TEXT = {
    "password authentication failed": "28P01",
    "no password supplied": "28P01 none",
    "no pg_hba.conf entry": "28000",
    "is not permitted to log in": "28000",
    "too many connections for role": "53300 role",
    "too many connections for database": "53300 database",
    "too many": "53300",
    "remaining connection slots": "53300",
    "the database system is": "57P03",
    "not currently accepting connections": "shut",
    "permission denied for database": "42501",
    "server does not support SSL": "tls",
    "certificate": "certificate",
    "could not translate host name": "host",
    "failed to resolve host": "host",  # psycopg looks it up itself
}
"""libpq says of a failed connection no more than a text; in English on a server whose lc_messages is C or en."""
_AWAY = re.compile(
    "refused|timeout|timed out|no such file|unreachable|no route|reset by peer|broken pipe|closed|is lost|"
    "could not (?:connect|receive|send)|consuming input|flushing",
    re.I,
)
"""Of libpq's own texts, English everywhere: nobody answers, or no longer."""


def server_error(error: psycopg.Error, server: PostgresServer) -> ResultattavlaError:
    """What the server refused, as one sentence: which server, what, what to do, and whether the next run mends it."""
    text = " ".join(str(error).split())
    state = error.sqlstate or next((state for said, state in _BY_TEXT.items() if said in text), None)
    if state is None and 'database "' in text and "does not exist" in text:
        state = "3D000"
    if state is None and 'role "' in text and "does not exist" in text:
        state = "28000"
    if state is None and _AWAY.search(text):
        state = "away"
    known = {"user": server.user, "database": server.database, "host": server.host}
    if state in _PASSING:
        said = f"{_PASSING[state].format(**known)}. Nästa körning kommer ikapp."
    elif state in _MENDABLE:
        said = f"{_MENDABLE[state].format(**known)}. Sedan kommer nästa körning ikapp."
    else:
        said = f"den säger nej ({state + ': ' if state else ''}{mask(text)}). Se serverns logg."
    return ResultattavlaError(f"PostgreSQL på {server.address}: {said}")

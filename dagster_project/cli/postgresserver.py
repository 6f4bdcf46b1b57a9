"""`make postgres-up` and `make postgres-down`: Debian's PostgreSQL in a folder of the project, on this machine only.

For trying and for tests. The server answers on loopback, asks for passwords (made anew, in a passfile of the folder)
and has the roles of `deploy/postgresql.sql`. It refuses to run as root: there it runs as Debian's user postgres.
"""

from __future__ import annotations

import os
import pwd
import re
import secrets
import shutil
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dagster_project.cli.localserver import up_or_down
from dagster_project.core.errors import ResultattavlaError
from dagster_project.core.paths import PROJECT
from dagster_project.products.postgres.server import PostgresServer

HOST, PORT = "127.0.0.1", 54329
DATABASE, WRITER, READER, ADMINISTRATOR = "resultat", "resultattavla", "instrumentpanel", "postgres"
ROLES = PROJECT / "deploy" / "postgresql.sql"
DEBIAN = Path("/usr/lib/postgresql")
_SECONDS = 60


@dataclass(frozen=True)
class LocalServer:
    """A server of our own. folder: all of it. programs: where PostgreSQL's programs lie."""

    folder: Path
    port: int
    programs: Path

    @property
    def passfile(self) -> Path:
        """The passwords of its three users."""
        return self.folder / "pgpass"

    def settings(self, user: str = WRITER, **other: Any) -> PostgresServer:
        """`serve.postgres` for it."""
        return PostgresServer(
            host=HOST, port=self.port, database=DATABASE, user=user, passfile=self.passfile, sslmode="disable", **other
        )

    @property
    def is_up(self) -> bool:
        return self._pid_file.exists() and self._run("pg_ctl", "status") == 0

    @property
    def port_now(self) -> int:
        """The port that it answers at; it is up."""
        return int(self._pid_file.read_text(encoding="utf-8").splitlines()[3])

    @property
    def _pid_file(self) -> Path:
        return self.folder / "kluster" / "postmaster.pid"

    def start(self) -> None:
        """Start it; returns when it answers."""
        log = self.folder / "logg.txt"
        where = f"--options=-p {self.port}"  # its configuration has the port that it was made with
        if self._run("pg_ctl", "start", "--wait", f"--timeout={_SECONDS}", f"--log={log}", where):
            told = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-3:])
            raise ResultattavlaError(f"PostgreSQL kunde inte startas på {HOST}:{self.port} (logg: {log}): {told}")

    def stop(self, mode: str = "fast") -> None:
        """Stop it, if it is up. mode: `fast` ends all connections, `immediate` is a crash."""
        if self.is_up and self._run("pg_ctl", "stop", "--wait", f"--timeout={_SECONDS}", f"--mode={mode}"):
            raise ResultattavlaError(f"PostgreSQL i {self.folder} kunde inte stoppas: se {self.folder / 'logg.txt'}.")

    def _run(self, program: str, *arguments: str) -> int:
        return _as_its_user(
            [self.programs / program, f"--pgdata={self.folder / 'kluster'}", *arguments], self.folder
        ).returncode


def programs() -> Path:
    """The folder of the newest PostgreSQL server's programs. Raises ResultattavlaError, with Debian's package."""
    found = sorted(DEBIAN.glob("*/bin/initdb"), key=lambda path: int(re.sub(r"\D", "", path.parts[-3]) or 0))
    if not found and (elsewhere := shutil.which("initdb")):
        found = [Path(elsewhere).resolve()]
    if not found:
        raise ResultattavlaError(
            "Ingen PostgreSQL-server finns på den här datorn: installera Debians paket postgresql "
            "(apt-get install postgresql)."
        )
    return found[-1].parent


def up(folder: Path, port: int = PORT, options: Sequence[str] = (), prepared: bool = True) -> LocalServer:
    """Start the server of a folder, which is made the first time. Raises ResultattavlaError where it cannot be.

    options: lines of its configuration, used when it is made. prepared: with the database, the roles and their users.
    """
    server = LocalServer(folder.absolute(), port, programs())
    cluster = server.folder / "kluster"
    if not (cluster / "PG_VERSION").exists():
        _make(server, options)
    if not server.is_up:
        _require_free(port)
        server.start()
    if server.port_now != port:
        raise ResultattavlaError(
            f"PostgreSQL i {server.folder} är redan igång på {HOST}:{server.port_now}: använd den porten, eller stoppa "
            "den först (make postgres-down)."
        )
    if prepared:
        _prepare(server)
    return server


def _make(server: LocalServer, options: Sequence[str]) -> None:
    """A new cluster with a password for its administrator, and passwords for the two users to come."""
    folder, cluster = server.folder, server.folder / "kluster"
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)  # the server's own user goes through it; what is in it says itself who may read
    shutil.rmtree(cluster, ignore_errors=True)
    words = {user: secrets.token_urlsafe(24) for user in (ADMINISTRATOR, WRITER, READER)}
    server.passfile.unlink(missing_ok=True)
    server.passfile.touch(mode=0o600)
    server.passfile.write_text("".join(f"*:*:*:{user}:{word}\n" for user, word in words.items()), encoding="ascii")
    for path, kind in ((cluster, Path.mkdir), (folder / "logg.txt", Path.touch), (folder / "forsta", Path.touch)):
        kind(path, mode=0o600 if kind is Path.touch else 0o700, exist_ok=True)
        if os.geteuid() == 0:
            owner = _its_user()
            os.chown(path, owner.pw_uid, owner.pw_gid)
    first = folder / "forsta"
    first.write_text(words[ADMINISTRATOR] + "\n", encoding="ascii")
    command: list[str | Path] = [server.programs / "initdb", f"--pgdata={cluster}", f"--username={ADMINISTRATOR}"]
    command += ["--encoding=UTF8", "--locale=C.UTF-8", "--auth=scram-sha-256", f"--pwfile={first}", "--no-sync"]
    made = _as_its_user(command, folder)
    first.unlink()
    if made.returncode:
        raise ResultattavlaError(f"PostgreSQL kunde inte läggas upp i {folder}: {made.stderr.strip()}")
    lines = [f"listen_addresses = '{HOST}'", f"port = {server.port}", "unix_socket_directories = ''", *options]
    with (cluster / "postgresql.conf").open("a", encoding="utf-8") as configuration:
        configuration.write("\n" + "\n".join(lines) + "\n")


def _prepare(server: LocalServer) -> None:
    """The database, the roles of `deploy/postgresql.sql`, and a login for each, where they are not there."""
    import psycopg
    from psycopg import sql

    if not server.passfile.exists():
        raise ResultattavlaError(
            f"Lösenorden {server.passfile} är borta: lägg tillbaka filen, eller stoppa servern (make postgres-down) "
            f"och ta bort {server.folder}, så görs en ny."
        )
    words = dict(line.split(":")[3:5] for line in server.passfile.read_text(encoding="ascii").splitlines())
    login: dict[str, Any] = {"host": HOST, "port": server.port, "user": ADMINISTRATOR, "password": words[ADMINISTRATOR]}
    with psycopg.connect(dbname="postgres", autocommit=True, **login) as connection:
        if connection.execute("select from pg_database where datname = %s", [DATABASE]).fetchone() is None:
            connection.execute(sql.SQL("create database {} encoding 'UTF8'").format(sql.Identifier(DATABASE)))
    with psycopg.connect(dbname=DATABASE, autocommit=True, **login) as connection:
        connection.execute(ROLES.read_bytes())
        for user, role in ((WRITER, "resultat_skrivare"), (READER, "resultat_lasare")):
            if connection.execute("select from pg_roles where rolname = %s", [user]).fetchone() is None:
                made = sql.SQL("create role {} login in role {} password {}")
                connection.execute(made.format(sql.Identifier(user), sql.Identifier(role), sql.Literal(words[user])))


def down(folder: Path) -> bool:
    """Stop the server of a folder; whether one was up."""
    server = LocalServer(folder.absolute(), PORT, programs())
    was_up = server.is_up
    server.stop()
    return was_up


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as found:
        found.bind((HOST, 0))
        return int(found.getsockname()[1])


def _require_free(port: int) -> None:
    with socket.socket() as taken:
        if taken.connect_ex((HOST, port)) == 0:
            raise ResultattavlaError(
                f"Porten {port} används redan på den här datorn: ange en annan (make postgres-up PORT=54330)."
            )


def _its_user() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise ResultattavlaError("PostgreSQL körs inte som root: skapa användaren postgres, eller kör som en annan.")


def _as_its_user(command: Sequence[str | Path], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run one of the server's programs; as root, as the server's own user, who must be let through to the folder."""
    who: dict[str, Any] = {}
    if os.geteuid() == 0:
        user = _its_user()
        who = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        closed = next((f for f in reversed(folder.parents) if not f.stat().st_mode & 0o001), None)
        if closed is not None:
            raise ResultattavlaError(
                f"PostgreSQL körs som användaren {user.pw_name}, som inte släpps in i {closed}: lägg projektet i en "
                "mapp som alla får passera, eller kör som en annan användare än root."
            )
    # The server keeps what it inherits: with a pipe of ours as its output, reading it would wait for its end.
    with (folder / "program.txt").open("w+", encoding="utf-8", errors="replace") as told:
        ended = subprocess.run(
            [str(part) for part in command],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=told,
            stderr=told,
            env={**os.environ, "LC_ALL": "C.UTF-8"},
            **who,
        )
        told.seek(0)
        return subprocess.CompletedProcess(ended.args, ended.returncode, "", told.read())


def main(arguments: Sequence[str]) -> int:
    """`up [PORT]` or `down`, in `.postgres` of the project."""
    folder = PROJECT / ".postgres"

    def start(port: int) -> str:
        server = up(folder, port)
        return (
            f"PostgreSQL svarar på {HOST}:{server.port}, databasen {DATABASE}. I resultattavla.toml:\n\n"
            f'[serve.postgres]\nhost = "{HOST}"\nport = {server.port}\npassfile = "{server.passfile}"\n\n'
            f"Läs: PGPASSFILE={server.passfile} psql -h {HOST} -p {server.port} -U {READER} {DATABASE}"
        )

    return up_or_down(arguments, PORT, start, lambda: down(folder), "PostgreSQL")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

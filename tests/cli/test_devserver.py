"""The UI answers nobody but pages of this machine: a web page elsewhere cannot start a run in it."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest

from dagster_project.cli.devserver import LocalOnly

HOST = "localhost:3000"
OURS = [{}, {"host": "127.0.0.1:3000", "origin": "http://127.0.0.1:3000"}, {"origin": "http://localhost:3000"}]
FOREIGN = [
    {"host": "ond.example"},
    {"host": "ond.example:3000"},
    {"host": "localhost.ond.example:3000"},
    {"host": ""},
    {"origin": "https://ond.example"},
    {"origin": "null"},
    {"origin": "http://localhost:8000"},
    {"origin": "http://localhost.ond.example:3000"},
    {"host": "ond.example:3000", "origin": "http://ond.example:3000"},
]


def ask(kind: str, headers: dict[str, str]) -> tuple[bool, list[MutableMapping[str, Any]]]:
    """Whether the application behind was asked, and what was sent back."""
    asked, sent = [], []

    async def application(*_: Any) -> None:
        asked.append(True)

    async def receive() -> dict[str, str]:
        return {"type": f"{kind}.connect"}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    given = [(name.encode(), value.encode()) for name, value in ({"host": HOST} | headers).items()]
    asyncio.run(LocalOnly(application)({"type": kind, "headers": given}, receive, send))
    return bool(asked), sent


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize("headers", OURS)
def test_our_own_pages_are_answered(kind: str, headers: dict[str, str]) -> None:
    assert ask(kind, headers) == (True, [])


@pytest.mark.parametrize("headers", FOREIGN)
def test_nobody_elses_are(headers: dict[str, str]) -> None:
    asked, sent = ask("http", headers)
    assert not asked and sent[0]["status"] == 403
    asked, sent = ask("websocket", headers)
    assert not asked and [m["type"] for m in sent] == ["websocket.close"]


def test_the_servers_own_start_is_let_through() -> None:
    assert ask("lifespan", {"host": "ond.example"})[0]

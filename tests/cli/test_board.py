"""`make board` shows the board on this machine only, always the current one."""

from __future__ import annotations

import threading
from http.client import HTTPConnection
from pathlib import Path

import pytest

from dagster_project.cli.boardserver import board_server, main
from dagster_project.core.errors import ResultattavlaError, UsageError
from dagster_project.core.paths import DataPaths


@pytest.fixture
def data(tmp_path: Path) -> DataPaths:
    data = DataPaths(tmp_path / "data")
    for name in ("ett", "två"):
        (data.products / name / "tavla" / "indikator").mkdir(parents=True)
        (data.products / name / "tavla" / "index.html").write_text(f"utgåva {name}", encoding="utf-8")
    (data.published / "tavla").symlink_to("produkter/ett/tavla")
    return data


def test_the_board_behind_the_link_is_served_and_nothing_else(data: DataPaths) -> None:
    with board_server(data, 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()

        def get(path: str) -> tuple[int, str]:
            connection = HTTPConnection("127.0.0.1", server.server_port, timeout=10)
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

        assert server.server_address[0] == "127.0.0.1"
        assert get("/") == get("/index.html") == (200, "utgåva ett")
        link = data.published / "tavla"
        link.unlink()
        link.symlink_to("produkter/två/tavla")  # as a run does meanwhile
        assert get("/index.html") == (200, "utgåva två")
        assert get("/indikator/")[0] == get("/../ett/tavla/index.html")[0] == get("/finns_inte")[0] == 404
        with pytest.raises(UsageError, match=f"Porten {server.server_port} är upptagen"):
            board_server(data, server.server_port)
        server.shutdown()


def test_without_a_board_it_says_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ResultattavlaError, match="ingen tavla i .*kör `make run` först"):
        board_server(DataPaths(tmp_path), 0)
    assert main(["åtta"]) == UsageError.exit_code and "är ingen port" in capsys.readouterr().err

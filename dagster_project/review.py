from pathlib import Path

SHOWN_RUNS = 31


def write_review(data, records, outcomes, waivers) -> Path:
    return data.docs / "index.html"

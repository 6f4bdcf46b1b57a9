"""The bytes of a text file: unpacked, and decoded to UTF-8."""

from __future__ import annotations

import gzip
import io
import re
import unicodedata
import zlib

import numpy as np

from dagster_project.core.errors import RejectedFileError
from dagster_project.ingestion.readers.limits import Limits

BOMB_BYTES, BOMB_RATIO = 256 * 1024**2, 300
"""A packed file that unpacks to more than this many bytes and this many times its size is a bomb, not a delivery."""


# What UTF-8 read as Windows-1252 looks like, saved as UTF-8 again or mixed with true Windows-1252: Ã, Â or â followed
# by what the bytes 80-BF are in Windows-1252.
_TAIL = "[" + re.escape(bytes(range(0x80, 0xC0)).decode("cp1252", errors="ignore")) + "\x80-\x9f]"
_DOUBLE_ENCODED = re.compile(f"[ÃÂ]{_TAIL}|â[€\x80]|â{_TAIL}{{2}}")


def unpack(content: bytes, limits: Limits) -> bytes:
    """What a gzip file holds."""
    parts, size = [], 0
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
            while part := file.read(16 * 1024**2):
                size += len(part)
                limits.require_file(size)
                if size > BOMB_BYTES and size > BOMB_RATIO * len(content):
                    raise RejectedFileError("den packar upp till orimligt mycket data (gzip-bomb)")
                parts.append(part)
    except (OSError, EOFError, zlib.error) as error:
        raise RejectedFileError("gzip-filen är skadad eller avkortad") from error
    return b"".join(parts)


def decode(content: bytes) -> bytes:
    """The text as UTF-8 in NFC without BOM: from UTF-8, else Windows-1252."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise RejectedFileError("den är kodad i UTF-16: spara den som UTF-8")
    content = content.removeprefix(b"\xef\xbb\xbf")
    if b"\x00" in content:
        raise RejectedFileError("den innehåller NUL-tecken och är ingen textfil")
    if content.isascii():
        return content
    decoded = _as_utf8(content, "utf-8")
    if decoded is None:
        decoded = _as_utf8(content, "cp1252")
    if decoded is None:
        raise RejectedFileError("den är varken UTF-8 eller Windows-1252")
    return decoded


_PIECE = 16 * 1024**2
_MARKS = "ÃÂâ"
_FIRST_COMPOSED = 0xCC
"""The first byte of U+0300 in UTF-8: texts of what comes before it are NFC as they are, as all of Windows-1252 are."""


def _as_utf8(content: bytes, encoding: str) -> bytes | None:
    """The text in that encoding as UTF-8 in NFC, piece by piece (lines never meet); None where it is not in it.

    Raises RejectedFileError for double encoding.
    """
    pieces: list[bytes] = []
    changed, start = encoding != "utf-8", 0
    while start < len(content):
        end = content.find(b"\n", min(start + _PIECE, len(content))) + 1 or len(content)
        piece = content[start:end]
        start = end
        letters = np.frombuffer(piece, np.uint8)
        beyond = np.flatnonzero(letters >= 0x80)
        if beyond.size == 0:
            pieces.append(piece)
            continue
        found = letters[beyond]
        # Bytes beyond ASCII are few, and whether they are text does not depend on the ASCII between them.
        runs = np.insert(found, np.flatnonzero(np.diff(beyond) > 1) + 1, ord("\n")).tobytes()
        try:
            text = runs.decode(encoding)
            if encoding != "utf-8":
                piece = piece.decode(encoding).encode()
        except UnicodeDecodeError:
            return None
        if any(mark in text for mark in _MARKS) and _DOUBLE_ENCODED.search(text):
            raise RejectedFileError(
                "texten är dubbelkodad eller blandar UTF-8 och Windows-1252 (Ã¶ i stället för ö): exportera den igen "
                "som UTF-8"
            )
        if encoding == "utf-8" and np.any(found >= _FIRST_COMPOSED):
            text = piece.decode()
            if not unicodedata.is_normalized("NFC", text):
                piece, changed = unicodedata.normalize("NFC", text).encode(), True
        pieces.append(piece)
    return b"".join(pieces) if changed else content

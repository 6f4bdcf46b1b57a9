"""The bytes of a text file: unpacked, and decoded to UTF-8."""

from __future__ import annotations

import gzip
import io
import re
import unicodedata
import zlib

from dagster_project.core.errors import RejectedFileError

MAX_BYTES = 8 * 1024**3
"""Largest unpacked delivery."""
BOMB_BYTES, BOMB_RATIO = 256 * 1024**2, 300
"""A packed file that unpacks to more than this many bytes and this many times its size is a bomb, not a delivery."""


# What UTF-8 read as Windows-1252 and saved as UTF-8 looks like: à followed by what the bytes 80-BF are in Windows-1252.
_DOUBLE_ENCODED = re.compile(
    "Ã[" + re.escape(bytes(range(0x80, 0xC0)).decode("cp1252", errors="ignore")) + "\x80-\x9f]"
)


def unpack(content: bytes) -> bytes:
    """What a gzip file holds."""
    parts, size = [], 0
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
            while part := file.read(16 * 1024**2):
                size += len(part)
                if size > MAX_BYTES or (size > BOMB_BYTES and size > BOMB_RATIO * len(content)):
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
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        try:
            text = content.decode("cp1252")
        except UnicodeDecodeError as error:
            raise RejectedFileError("den är varken UTF-8 eller Windows-1252") from error
        content = text.encode("utf-8")
    if "Ã" in text and _DOUBLE_ENCODED.search(text):
        raise RejectedFileError("texten är dubbelkodad (Ã¶ i stället för ö): exportera den igen som UTF-8")
    if not unicodedata.is_normalized("NFC", text):
        return unicodedata.normalize("NFC", text).encode("utf-8")
    return content

"""The bytes of a text file: unpacked, and decoded to UTF-8."""

from __future__ import annotations

import gzip
import io
import re
import unicodedata
import zlib

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
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        try:
            text = content.decode("cp1252")
        except UnicodeDecodeError as error:
            raise RejectedFileError("den är varken UTF-8 eller Windows-1252") from error
        content = text.encode("utf-8")
    if any(c in text for c in "ÃÂâ") and _DOUBLE_ENCODED.search(text):
        raise RejectedFileError(
            "texten är dubbelkodad eller blandar UTF-8 och Windows-1252 (Ã¶ i stället för ö): exportera den igen som "
            "UTF-8"
        )
    if not unicodedata.is_normalized("NFC", text):
        return unicodedata.normalize("NFC", text).encode("utf-8")
    return content

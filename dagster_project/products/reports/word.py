"""Writes a report as a Word document that everybody can read and that is the same bytes whenever it is made.

python-docx has no call for what accessibility asks: alternative texts, header rows that are repeated, a table of
contents, page numbers, the language. They are set here, block by block, as WordprocessingML.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from docx.document import Document as WordDocument
from docx.oxml import parse_xml
from docx.oxml.ns import qn
from docx.shared import Emu

from dagster_project.products.reports.document import (
    Bullets,
    Cell,
    Document,
    Figure,
    Heading,
    Mark,
    Paragraph,
    Quote,
    Table,
)
from dagster_project.products.reports.picture import png
from dagster_project.products.reports.word_template import LANGUAGE, W, opened, style_id, text_width

INK, MUTED, PALE = "1C2126", "5A636D", "E4EEF0"
"""Of docs/style.md: text, what is secondary, the ground of what cannot be overlooked."""
SMALL, LEAD, FIGURE = 18, 23, 17
"""Sizes in half points: tables, leads, notes."""
CONTENTS_LEVELS = 3
TWIP = 635
"""English metric units in a twentieth of a point."""
MOST_KEPT = 14
"""A table of at most so many rows is not torn between two pages."""
_ZIP_DAY = (1980, 1, 1, 0, 0, 0)


def as_word(report: Document, template: Path | None = None) -> bytes:
    """The report as the bytes of a DOCX file. Raises UsageError where the template cannot be used (`opened`)."""
    document = opened(template)
    writer = _Writer(document)
    for element in writer.all_of(report):
        document.element.body.insert_element_before(element, "w:sectPr")
    _set_header_and_footer(document, report, writer)
    _set_properties(document, report)
    raw = io.BytesIO()
    document.save(raw)
    return _same_bytes(raw.getvalue())


class _Writer:
    """The report's blocks as elements of one document's body."""

    def __init__(self, document: WordDocument) -> None:
        self.document = document
        self.width = text_width(document)
        self.marks = 0
        self.pictures = 0

    # --- the whole ---

    def all_of(self, report: Document) -> Iterator[Any]:
        yield self.paragraph(_run(report.title), "Title")
        yield self.paragraph(_run(report.subtitle), "Subtitle")
        if report.alert:
            yield self.alert(report.alert)
        for label, text in report.facts:
            yield self.paragraph(_run(f"{label}: ", bold=True) + _run(text), spacing=40)
        yield from self.contents(report)
        for block, following in zip(report.blocks, [*report.blocks[1:], None], strict=True):
            yield from self.block(block, following)

    def block(self, block: Any, following: Any) -> Iterator[Any]:
        """One block; what leads to a table or to smaller print stays on its page."""
        match block:
            case Heading():
                yield self.heading(block, page_break=block.level == 1)
            case Paragraph(kind="alert"):
                yield self.alert(block.text, block.label)
            case Paragraph():
                size = {"lead": LEAD, "note": FIGURE}.get(block.kind)
                colour = MUTED if block.kind == "note" else None
                label = _run(f"{block.label} ", bold=True, size=size, colour=colour) if block.label else ""
                explained = isinstance(following, Paragraph) and following.kind != block.kind
                keep = explained or isinstance(following, Table)
                spacing = 40 if explained and block.kind == "text" else None
                yield self.paragraph(label + _run(block.text, size=size, colour=colour), keep=keep, spacing=spacing)
            case Bullets():
                for label, text in block.entries:
                    start = _run(f"{label} ", bold=True) if label else ""
                    yield self.paragraph(start + _run(text), "List Bullet")
            case Quote():
                yield self.paragraph(_run(block.text), "Quote")
            case Table():
                yield self.paragraph(_run(block.caption), "caption", keep=True)
                yield self.table(block)
                yield self.paragraph("", spacing=60, line=120)
            case Figure():
                yield self.picture(block)
                yield self.paragraph(_run(block.caption), "caption", keep=isinstance(following, Paragraph))

    # --- text ---

    def paragraph(
        self, content: str, style: str = "Normal", *, keep: bool = False, spacing: int | None = None, **more: Any
    ) -> Any:
        settings = f'<w:pStyle w:val="{style_id(self.document, style)}"/>'
        settings += "<w:keepNext/>" if keep else ""
        settings += "<w:pageBreakBefore/>" if more.get("page_break") else ""
        settings += more.get("border", "")
        if spacing is not None:
            line = f' w:line="{more["line"]}" w:lineRule="exact"' if "line" in more else ""
            settings += f'<w:spacing w:before="0" w:after="{spacing}"{line}/>'
        return _xml(f"<w:p><w:pPr>{settings}</w:pPr>{content}</w:p>")

    def alert(self, text: str, label: str = "Obs!") -> Any:
        line = f'w:val="single" w:sz="18" w:space="6" w:color="{INK}"'
        sides = "".join(f"<w:{side} {line}/>" for side in ("top", "left", "bottom", "right"))
        border = f'<w:pBdr>{sides}</w:pBdr><w:shd w:val="clear" w:color="auto" w:fill="{PALE}"/>'
        content = _run(f"{label} ", bold=True) + _run(text)
        return self.paragraph(content, border=border, spacing=200)

    def heading(self, block: Heading, page_break: bool = False) -> Any:
        self.marks += 1
        begin = f'<w:bookmarkStart w:id="{self.marks}" w:name={quoteattr(_bookmark(block))}/>'
        content = f'{begin}{_run(block.text)}<w:bookmarkEnd w:id="{self.marks}"/>'
        return self.paragraph(content, f"heading {block.level}", page_break=page_break)

    def contents(self, report: Document) -> Iterator[Any]:
        """The table of contents: a field whose entries are there already, as links.

        Their page numbers come when somebody updates the field: only who lays the pages out knows them, and a wrong
        number is worse than none. Word is not told to do it by itself, since it would ask every reader first.
        """
        entries = [h for h in report.headings if h.level <= CONTENTS_LEVELS]
        if not entries:
            return
        yield self.paragraph(_run("Innehåll"), "TOC Heading")
        begin = _field_begin(f'TOC \\o "1-{CONTENTS_LEVELS}" \\h \\z \\u')
        for place, heading in enumerate(entries):
            link = f'<w:hyperlink w:anchor="{_bookmark(heading)}" w:history="1">{_run(heading.text)}</w:hyperlink>'
            start, end = begin if place == 0 else "", _FIELD_END if place == len(entries) - 1 else ""
            yield self.paragraph(start + link + end, f"toc {heading.level}")

    # --- tables ---

    def table(self, table: Table) -> Any:
        total = sum(column.weight for column in table.columns)
        widths = [round(self.width * column.weight / total) for column in table.columns]
        keep = len(table.rows) <= MOST_KEPT
        titles = [column.title for column in table.columns]
        rows = [self._row(titles, table, widths, header=True, keep=True)]
        for place, row in enumerate(table.rows, start=1):
            last = place == len(table.rows)
            rows.append(self._row(row, table, widths, keep=keep and not last, bold=last and table.whole))
        about = f"<w:tblCaption w:val={quoteattr(table.caption)}/>"
        about += f"<w:tblDescription w:val={quoteattr(table.about)}/>" if table.about else ""
        grid = "".join(f'<w:gridCol w:w="{width}"/>' for width in widths)
        return _xml(
            f'<w:tbl><w:tblPr><w:tblStyle w:val="{style_id(self.document, "Table Grid")}"/>'
            f'<w:tblW w:w="{sum(widths)}" w:type="dxa"/><w:tblLayout w:type="fixed"/>'
            '<w:tblLook w:val="0420" w:firstRow="1" w:lastRow="0" w:firstColumn="0" w:lastColumn="0" w:noHBand="0" '
            f'w:noVBand="1"/>{about}</w:tblPr><w:tblGrid>{grid}</w:tblGrid>{"".join(rows)}</w:tbl>'
        )

    def _row(
        self,
        cells: Sequence[Cell],
        table: Table,
        widths: list[int],
        *,
        header: bool = False,
        keep: bool = False,
        bold: bool = False,
    ) -> str:
        settings = "<w:cantSplit/>" + ("<w:tblHeader/>" if header else "")
        bottom = '<w:vAlign w:val="bottom"/>' if header else ""
        normal = style_id(self.document, "Normal")
        made: list[str] = []
        for cell, column, width in zip(cells, table.columns, widths, strict=True):
            mark = cell if isinstance(cell, Mark) else None
            heavy = header or bold or (mark is not None and mark.tone == "heavy")
            colour = MUTED if mark is not None and mark.tone == "muted" else None
            content = _run(str(cell), bold=heavy, size=SMALL, colour=colour)
            side = '<w:jc w:val="right"/>' if column.number else '<w:ind w:left="100"/>' * bool(made)
            stay = "<w:keepNext/>" if keep else ""
            line = '<w:spacing w:before="0" w:after="0" w:line="240" w:lineRule="auto"/>'
            made.append(
                f'<w:tc><w:tcPr><w:tcW w:w="{width}" w:type="dxa"/>{bottom}</w:tcPr>'
                f'<w:p><w:pPr><w:pStyle w:val="{normal}"/>{stay}{line}{side}</w:pPr>{content}</w:p></w:tc>'
            )
        return f"<w:tr><w:trPr>{settings}</w:trPr>{''.join(made)}</w:tr>"

    # --- pictures ---

    def picture(self, figure: Figure) -> Any:
        self.pictures += 1
        width = Emu(self.width * TWIP)
        inline: Any = self.document.part.new_pic_inline(io.BytesIO(png(figure.svg)), width=width)
        for side in "TBLR":
            inline.set(f"dist{side}", "0")
        shown = inline.docPr
        shown.set("id", str(1000 + self.pictures))
        shown.set("name", f"Diagram {self.pictures}")
        shown.set("descr", figure.alt)
        inner = inline.graphic.graphicData.pic.nvPicPr.cNvPr
        inner.set("name", f"Diagram {self.pictures}")
        inner.set("descr", figure.alt)
        holder = self.paragraph("<w:r/>", keep=True, spacing=0)
        run = holder.find(qn("w:r"))
        drawing = parse_xml(f'<w:drawing xmlns:w="{W}"/>')
        drawing.append(inline)
        run.append(drawing)
        return holder


# --- Pieces of WordprocessingML -------------------------------------------------------------------------------------


def _xml(text: str) -> Any:
    """An element from markup whose prefix is `w`."""
    return parse_xml(text.replace(">", f' xmlns:w="{W}">', 1))


def _run(text: str, *, bold: bool = False, size: int | None = None, colour: str | None = None) -> str:
    """A run of text; its line breaks are line breaks."""
    settings = "<w:b/>" if bold else ""
    settings += f'<w:color w:val="{colour}"/>' if colour else ""
    settings += f'<w:sz w:val="{size}"/><w:szCs w:val="{size}"/>' if size else ""
    lines = (f'<w:t xml:space="preserve">{escape(line)}</w:t>' for line in text.split("\n"))
    return _run_of("<w:br/>".join(lines), settings)


def _run_of(content: str, settings: str = "") -> str:
    return f"<w:r>{f'<w:rPr>{settings}</w:rPr>' if settings else ''}{content}</w:r>"


_FIELD_END = '<w:r><w:fldChar w:fldCharType="end"/></w:r>'


def _field_begin(instruction: str) -> str:
    """The beginning of a field, up to its shown content."""
    return (
        '<w:r><w:fldChar w:fldCharType="begin"/></w:r>'
        f'<w:r><w:instrText xml:space="preserve"> {escape(instruction)} </w:instrText></w:r>'
        '<w:r><w:fldChar w:fldCharType="separate"/></w:r>'
    )


def _field(instruction: str, shown: str) -> str:
    return _field_begin(instruction) + _run(shown) + _FIELD_END


def _bookmark(heading: Heading) -> str:
    """A name as Word's bookmarks may have: letters, digits and underscores, at most 40."""
    return f"_R_{heading.anchor.replace('-', '_')}"[:40]


# --- Around the text ------------------------------------------------------------------------------------------------


def _set_header_and_footer(document: WordDocument, report: Document, writer: _Writer) -> None:
    """The running title and page numbers, where the template has no headers or footers of its own."""
    section = document.sections[-1]
    tab = f'<w:tabs><w:tab w:val="clear" w:pos="9400"/><w:tab w:val="right" w:pos="{writer.width}"/></w:tabs>'
    if section.header.is_linked_to_previous:
        text = _run(report.running_title) + (
            _run_of("<w:tab/>") + _run("PRELIMINÄR", bold=True) if report.alert else ""
        )
        _fill(section.header, writer.paragraph(text, "header", border=tab))
    if section.footer.is_linked_to_previous:
        pages = _run("Sida ") + _field("PAGE", "1") + _run(" av ") + _field("NUMPAGES", "1")
        _fill(section.footer, writer.paragraph(_run(report.author) + _run_of("<w:tab/>") + pages, "footer", border=tab))


def _fill(place: Any, paragraph: Any) -> None:
    place.is_linked_to_previous = False
    for old in list(place._element):
        place._element.remove(old)
    place._element.append(paragraph)


def _set_properties(document: WordDocument, report: Document) -> None:
    """What the file says of itself; its days are the release's, so that the same report is the same file."""
    day = datetime.fromisoformat(report.day)
    properties = document.core_properties
    properties.title = report.running_title
    properties.subject = report.subject
    properties.author = properties.last_modified_by = report.author
    properties.language = LANGUAGE
    properties.keywords = properties.comments = properties.category = ""
    properties.created = properties.modified = day
    properties.revision = 1
    properties.last_printed = day


def _same_bytes(content: bytes) -> bytes:
    """The package with every entry of one day, so that only what it says makes it another."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(made, "w") as new:
        for name in old.namelist():
            entry = zipfile.ZipInfo(name, _ZIP_DAY)
            entry.compress_type, entry.create_system = zipfile.ZIP_DEFLATED, 3
            new.writestr(entry, old.read(name))
    return made.getvalue()

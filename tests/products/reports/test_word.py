"""Reports as Word documents: read back by another library, whole, accessible, the same bytes."""

from __future__ import annotations

import io
import re
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from docx import Document as open_docx
from docx2python import docx2python
from lxml import etree

from dagster_project.core.errors import UsageError
from dagster_project.products.reports.asked import Asked
from dagster_project.products.reports.content import report
from dagster_project.products.reports.document import Bullets, Document, Figure, Heading, Paragraph, Quote, Table
from dagster_project.products.reports.word import as_word
from tests.products.reports import small

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
WP = "{http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing}"
PIC = "{http://schemas.openxmlformats.org/drawingml/2006/picture}"
ASKED = [Asked("delar", 2022), Asked("delar", 2022, "AA"), Asked("ar", 2022)]
asked_one = pytest.mark.parametrize("asked", ASKED, ids=lambda a: a.file_name)


@cache
def told(asked: Asked) -> Document:
    return report(small.plain(), asked)


@cache
def word(asked: Asked) -> bytes:
    return as_word(told(asked))


def part(content: bytes, name: str) -> Any:
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        return etree.fromstring(package.read(name))


def body(content: bytes) -> Any:
    return part(content, "word/document.xml")[0]


def style_names(content: bytes) -> dict[str, str]:
    """Style id -> standard name."""
    styles = part(content, "word/styles.xml").iter(f"{W}style")
    return {s.get(f"{W}styleId"): s.find(f"{W}name").get(f"{W}val") for s in styles}


def paragraphs(content: bytes) -> list[tuple[str, str]]:
    """Standard name of the style and text of every paragraph of the body that is in no table."""
    names = style_names(content)
    return [(names[p.find(f"{W}pPr/{W}pStyle").get(f"{W}val")], text_of(p)) for p in body(content).findall(f"{W}p")]


def text_of(element: Any) -> str:
    return "".join("\n" if node.tag == f"{W}br" else node.text or "" for node in element.iter(f"{W}t", f"{W}br"))


# --- It is what it says ---------------------------------------------------------------------------------------------


def read_back(content: bytes) -> tuple[str, list[list[list[str]]]]:
    """The text and the tables, as docx2python reads them; its bullets and marks of pictures apart."""
    with docx2python(io.BytesIO(content)) as found:
        tables = [t for t in found.body if len(t) > 1 or len(t[0]) > 1]
        text = "\n".join(line for table in found.body for row in table for cell in row for line in cell)
    cells = [[["\n".join(cell) for cell in row] for row in table] for table in tables]
    return re.sub(r'<a href="[^"]*">|</a>', "", text), cells


@asked_one
def test_everything_in_it_can_be_read_back(asked: Asked) -> None:
    text, tables = read_back(word(asked))
    flat = " ".join(text.split())
    for block in told(asked).blocks:
        match block:
            case Heading(text=said) | Quote(text=said) | Paragraph(text=said):
                assert " ".join(said.split()) in flat
            case Bullets(entries=entries):
                assert all(" ".join(f"{label} {said}".split()) in flat for label, said in entries)
            case Figure(caption=said):
                assert said in flat
            case Table(caption=said):
                assert said in flat
    expected = [t for t in told(asked).blocks if isinstance(t, Table)]
    as_written = [[[c.title for c in t.columns], *([str(cell) for cell in row] for row in t.rows)] for t in expected]
    assert tables == as_written


def test_markup_in_what_people_write_is_text() -> None:
    text, _ = read_back(word(ASKED[0]))
    assert "Barn & <unga> har fått en egen ingång." in text
    assert "En <rutin> & en vana" in text


@asked_one
def test_every_part_is_well_formed_and_has_a_known_type(asked: Asked) -> None:
    content = word(asked)
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        assert package.testzip() is None
        names = package.namelist()
        assert len(set(names)) == len(names)
        for name in names:
            if name.endswith((".xml", ".rels")):
                etree.fromstring(package.read(name))
    types = part(content, "[Content_Types].xml")
    defaults = {t.get("Extension") for t in types if t.get("Extension")}
    named = {t.get("PartName") for t in types if t.get("PartName")}
    assert [n for n in names if f"/{n}" not in named and n.rpartition(".")[2] not in defaults] == []
    # What a schema would say of the order of what stands before a paragraph's text.
    order = ["pStyle", "keepNext", "pageBreakBefore", "pBdr", "shd", "tabs", "spacing", "ind", "jc"]
    for settings in body(content).iter(f"{W}pPr"):
        places = [order.index(etree.QName(child).localname) for child in settings]
        assert places == sorted(places)


def test_the_same_report_is_the_same_bytes() -> None:
    again = as_word(report(small.plain(), ASKED[0]))
    assert again == word(ASKED[0])
    with zipfile.ZipFile(io.BytesIO(again)) as package:
        assert {entry.date_time for entry in package.infolist()} == {(1980, 1, 1, 0, 0, 0)}


# --- Everybody can read it ------------------------------------------------------------------------------------------


@asked_one
def test_headings_are_headings_and_no_level_is_left_out(asked: Asked) -> None:
    found = [(int(name[-1]), text) for name, text in paragraphs(word(asked)) if name.startswith("heading ")]
    assert found == [(h.level, h.text) for h in told(asked).headings]


@asked_one
def test_every_picture_has_its_alternative_text(asked: Asked) -> None:
    figures = [b for b in told(asked).blocks if isinstance(b, Figure)]
    drawn = list(body(word(asked)).iter(f"{W}drawing"))
    assert [d.find(f".//{WP}docPr").get("descr") for d in drawn] == [f.alt for f in figures] != []
    assert [d.find(f".//{PIC}cNvPr").get("descr") for d in drawn] == [f.alt for f in figures]
    ids = [d.find(f".//{WP}docPr").get("id") for d in drawn]
    assert len(set(ids)) == len(ids)


@asked_one
def test_every_table_repeats_its_header_row_and_says_what_it_is(asked: Asked) -> None:
    for table, said in zip(
        body(word(asked)).iter(f"{W}tbl"), (b for b in told(asked).blocks if isinstance(b, Table)), strict=True
    ):
        first, *rest = table.findall(f"{W}tr")
        assert first.find(f"{W}trPr/{W}tblHeader") is not None
        assert all(row.find(f"{W}trPr/{W}tblHeader") is None for row in rest)
        assert table.find(f"{W}tblPr/{W}tblCaption").get(f"{W}val") == said.caption
        assert table.find(f"{W}tblPr/{W}tblDescription").get(f"{W}val") == said.about
        assert all(text_of(cell).strip() for cell in table.iter(f"{W}tc"))


def test_it_is_swedish() -> None:
    styles = part(word(ASKED[0]), "word/styles.xml")
    assert {lang.get(f"{W}val") for lang in styles.iter(f"{W}lang")} == {"sv-SE"}
    assert open_docx(io.BytesIO(word(ASKED[0]))).core_properties.language == "sv-SE"


def test_the_properties_say_what_it_is_and_whose() -> None:
    properties = open_docx(io.BytesIO(word(Asked("delar", 2022, "AA")))).core_properties
    assert properties.title == "Delårsrapport 2022 – Avdelning A"
    assert properties.subject == "Uppföljning av Planen, jan-aug 2022"
    assert properties.author == properties.last_modified_by == "Hela området"
    assert f"{properties.created:%Y-%m-%d}" == f"{properties.modified:%Y-%m-%d}" == "2022-09-30"


@asked_one
def test_the_table_of_contents_is_a_field_with_its_entries_there(asked: Asked) -> None:
    entries = [(int(name[-1]), text) for name, text in paragraphs(word(asked)) if name.startswith("toc ")]
    assert entries == [(h.level, h.text) for h in told(asked).headings if h.level <= 3]
    instruction = "".join(node.text for node in body(word(asked)).iter(f"{W}instrText"))
    assert re.fullmatch(r' TOC \\o "1-3" \\h \\z \\u ', instruction)
    kinds = [node.get(f"{W}fldCharType") for node in body(word(asked)).iter(f"{W}fldChar")]
    assert kinds == ["begin", "separate", "end"]
    marks = [m.get(f"{W}name") for m in body(word(asked)).iter(f"{W}bookmarkStart")]
    assert len(set(marks)) == len(marks)
    assert {h.get(f"{W}anchor") for h in body(word(asked)).iter(f"{W}hyperlink")} <= set(marks)


def header_and_footer(content: bytes) -> tuple[str, str]:
    section = open_docx(io.BytesIO(content)).sections[-1]
    return (
        "".join(p.text for p in section.header.paragraphs),
        etree.tostring(section.footer._element, encoding="unicode"),
    )


def test_pages_have_numbers_and_an_unfinished_report_says_so_on_each() -> None:
    header, footer = header_and_footer(word(ASKED[0]))
    assert header == "Delårsrapport 2022 – Hela området"
    assert " PAGE " in footer and " NUMPAGES " in footer
    unfinished, _ = header_and_footer(word(Asked("ar", 2022)))
    assert unfinished == "Aktivitetsberättelse 2022 (preliminär) – Hela området\tPRELIMINÄR"
    assert "Perioden är inte slut." in dict(paragraphs(word(Asked("ar", 2022))))["Normal"] or any(
        "Perioden är inte slut." in text for _, text in paragraphs(word(Asked("ar", 2022)))[:3]
    )


# --- A region's template --------------------------------------------------------------------------------------------


def region_template(path: Path, *, without: tuple[str, ...] = (), numbering: bool = True) -> Path:
    """A template as a region may have one: its own fonts, header with logo, footer, and some text."""
    from dagster_project.products.reports.picture import png

    document = open_docx()
    document.add_heading("Rubrik i mallen", 1)
    document.styles["Heading 1"].font.name = "Georgia"
    section = document.sections[0]
    section.header.paragraphs[0].text = "Region Mitt"
    logo = png('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><rect width="9" height="9"/></svg>', 9)
    section.header.paragraphs[0].add_run().add_picture(io.BytesIO(logo))
    section.footer.paragraphs[0].text = "Diarienummer"
    for name in without:
        document.styles[name].delete()
    if not numbering:
        for name, relation in list(document.part.rels.items()):
            if relation.reltype.endswith("/numbering"):
                del document.part.rels[name]
    document.save(str(path))
    return path


def test_a_template_keeps_its_pages_and_styles_but_not_its_text(tmp_path: Path) -> None:
    content = as_word(told(ASKED[0]), region_template(tmp_path / "mall.docx"))
    header, footer = header_and_footer(content)
    assert header == "Region Mitt" and "Diarienummer" in footer and " PAGE " not in footer
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        header_part = next(n for n in package.namelist() if n.startswith("word/header"))
        assert b"image" in package.read(header_part.replace("word/", "word/_rels/") + ".rels")
    assert "Rubrik i mallen" not in [text for _, text in paragraphs(content)]
    found = open_docx(io.BytesIO(content))
    assert found.styles["Heading 1"].font.name == "Georgia"
    headings = [(int(n[-1]), t) for n, t in paragraphs(content) if n.startswith("heading ")]
    assert headings == [(h.level, h.text) for h in told(ASKED[0]).headings]
    assert found.core_properties.title == "Delårsrapport 2022 – Hela området"


def test_a_template_gets_the_styles_that_it_can_do_without(tmp_path: Path) -> None:
    without = ("Caption", "Quote", "List Bullet", "Table Grid", "Heading 4", "Subtitle")
    path = region_template(tmp_path / "mall.docx", without=without, numbering=False)
    content = as_word(told(ASKED[0]), path)
    assert {"caption", "Quote", "List Bullet", "Table Grid", "heading 4", "Subtitle"} <= set(
        style_names(content).values()
    )
    names = {name: style for style, name in style_names(content).items()}
    bullets = next(
        s for s in part(content, "word/styles.xml").iter(f"{W}style") if s.get(f"{W}styleId") == names["List Bullet"]
    )
    number = bullets.find(f"{W}pPr/{W}numPr/{W}numId").get(f"{W}val")
    lists = part(content, "word/numbering.xml")
    assert number in [n.get(f"{W}numId") for n in lists.findall(f"{W}num")]
    assert read_back(content)[1] == read_back(word(ASKED[0]))[1]


def test_headers_of_an_earlier_section_are_kept(tmp_path: Path) -> None:
    """A template with a cover page: the section that follows it has its headers by continuing it."""
    path = region_template(tmp_path / "mall.docx")
    document = open_docx(str(path))
    document.sections[0].different_first_page_header_footer = True
    document.sections[0].first_page_header.paragraphs[0].text = "Omslag"
    document.add_section()
    assert document.sections[1].header.is_linked_to_previous
    document.save(str(path))
    made = open_docx(io.BytesIO(as_word(told(ASKED[0]), path)))
    assert len(made.sections) == 1
    section = made.sections[0]
    assert section.header.paragraphs[0].text == "Region Mitt"
    assert section.footer.paragraphs[0].text == "Diarienummer"
    assert section.different_first_page_header_footer and section.first_page_header.paragraphs[0].text == "Omslag"


def test_a_template_made_in_swedish_word_has_other_ids_for_the_same_styles(tmp_path: Path) -> None:
    path = region_template(tmp_path / "mall.docx")
    with zipfile.ZipFile(path) as package:
        entries = {n: package.read(n) for n in package.namelist()}
    names = rb'((?:styleId|(?:pStyle|tblStyle|basedOn|next|link) w:val)=")(?:%s)(\d?")'
    for english, swedish in ((b"Heading", b"Rubrik"), (b"TableGrid", b"Tabellrutnt"), (b"Title", b"Rubrik")):
        for name in ("word/styles.xml", "word/document.xml"):
            entries[name] = re.sub(names % english, rb"\1" + swedish + rb"\2", entries[name])
    with zipfile.ZipFile(path, "w") as package:
        for name, content in entries.items():
            package.writestr(name, content)
    made = as_word(told(ASKED[0]), path)
    assert {"Rubrik", "Rubrik1", "Rubrik3", "Tabellrutnt"} <= set(style_names(made))
    found = [(int(n[-1]), t) for n, t in paragraphs(made) if n.startswith("heading ")]
    assert found == [(h.level, h.text) for h in told(ASKED[0]).headings]


def test_our_own_look_has_nothing_of_the_library_s_and_names_no_style_that_is_not_there() -> None:
    content = word(ASKED[0])
    styles = style_names(content)
    assert "stylesWithEffects" not in "".join(zipfile.ZipFile(io.BytesIO(content)).namelist())
    used = {e.get(f"{W}val") for e in body(content).iter(f"{W}pStyle", f"{W}rStyle", f"{W}tblStyle")}
    linked = part(content, "word/styles.xml").iter(f"{W}basedOn", f"{W}next", f"{W}link")
    assert used | {e.get(f"{W}val") for e in linked} <= set(styles)
    section = open_docx(io.BytesIO(content)).sections[0]
    assert (round(section.page_width.mm), round(section.page_height.mm)) == (210, 297)


def test_a_dotx_is_used_as_it_is(tmp_path: Path) -> None:
    path = region_template(tmp_path / "mall.dotx")
    entries = {}
    with zipfile.ZipFile(path) as package:
        entries = {n: package.read(n) for n in package.namelist()}
    kinds = entries["[Content_Types].xml"]
    entries["[Content_Types].xml"] = kinds.replace(b"document.main+xml", b"template.main+xml")
    with zipfile.ZipFile(path, "w") as package:
        for name, content in entries.items():
            package.writestr(name, content)
    made = as_word(told(ASKED[0]), path)
    assert header_and_footer(made)[0] == "Region Mitt"
    assert b"template.main" not in zipfile.ZipFile(io.BytesIO(made)).read("[Content_Types].xml")


def said_of(template: Path) -> str:
    with pytest.raises(UsageError) as error:
        as_word(told(ASKED[0]), template)
    assert error.value.exit_code == 64
    return str(error.value)


def test_a_template_without_a_style_that_is_needed_is_refused(tmp_path: Path) -> None:
    path = region_template(tmp_path / "mall.docx", without=("Heading 3",))
    assert said_of(path) == (
        f"Mallen {path} saknar formatmallen Rubrik 3: använd den i mallen en gång i Word, och spara."
    )
    path = region_template(tmp_path / "mall.docx", without=("Heading 2", "Heading 3"))
    assert "saknar formatmallarna Rubrik 2 och Rubrik 3:" in said_of(path)


def test_what_is_no_word_document_is_refused(tmp_path: Path) -> None:
    text, empty, other = tmp_path / "mall.docx", tmp_path / "tom.docx", tmp_path / "bok.docx"
    text.write_text("ingen mall", encoding="utf-8")
    empty.touch()
    with zipfile.ZipFile(other, "w") as package:
        package.writestr("annat.txt", "något annat")
    for path in (text, empty, other):
        assert said_of(path) == f"Mallen {path} är inget Word-dokument: spara den som .docx i Word och ange den filen."
    missing = tmp_path / "saknas.docx"
    assert said_of(missing) == f"Mallen {missing} finns inte: ange ett Word-dokument (.docx) med --template."
    assert "finns inte" in said_of(tmp_path)


def test_a_workbook_is_no_template(tmp_path: Path) -> None:
    from openpyxl import Workbook

    path = tmp_path / "mall.docx"
    Workbook().save(path)
    assert "är inget Word-dokument" in said_of(path)

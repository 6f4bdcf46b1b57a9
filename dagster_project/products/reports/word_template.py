"""What a Word report is written into: our own look, or a region's template with its headers, footers and styles.

A template's own text is not kept: its pages are. Styles are found by their standard names (Word keeps those in English
whatever language it shows them in); those that a report cannot do without are asked for, the others are added where the
template lacks them.
"""

from __future__ import annotations

import io
import zipfile
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

from docx import Document as open_docx
from docx.document import Document as WordDocument
from docx.opc.constants import CONTENT_TYPE, RELATIONSHIP_TYPE
from docx.opc.packuri import PackURI
from docx.opc.part import XmlPart
from docx.oxml import parse_xml
from docx.oxml.ns import qn
from docx.shared import Mm

from dagster_project.core.errors import UsageError
from dagster_project.core.swedish import joined

LANGUAGE = "sv-SE"
W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
ASKED_FOR = {"Title": "Rubrik", "heading 1": "Rubrik 1", "heading 2": "Rubrik 2", "heading 3": "Rubrik 3"}
"""Styles without which a report has no structure: their standard name, and what Swedish Word calls them."""


def opened(template: Path | None) -> WordDocument:
    """An empty document in the template's look, else in ours, with every style of `styles.xml` in it.

    Raises UsageError where the template is not there, is no Word document or lacks a style of `ASKED_FOR`.
    """
    document = open_docx() if template is None else _template(template)
    styles = document.styles.element
    if template is None:
        _make_ours(document)
    missing = [told for name, told in ASKED_FOR.items() if name not in _names(styles)]
    if template is not None and missing:
        what = f"formatmallen {missing[0]}" if len(missing) == 1 else f"formatmallarna {joined(missing)}"
        raise UsageError(f"Mallen {template} saknar {what}: använd den i mallen en gång i Word, och spara.")
    _add_styles(document)
    _keep_headers(document)
    document.element.body.clear_content()
    _set_language(document)
    return document


def style_id(document: WordDocument, name: str) -> str:
    """The id that a style of a standard name has in this document."""
    return next(s.get(qn("w:styleId")) for s in document.styles.element.findall(qn("w:style")) if _name(s) == name)


def text_width(document: WordDocument) -> int:
    """How wide the text of a page is, in twentieths of a point."""
    section = document.sections[-1]
    width, left, right = section.page_width, section.left_margin, section.right_margin
    return int((width - left - right) / 635) if width and left is not None and right is not None else 9400


# --- A region's template --------------------------------------------------------------------------------------------


def _template(path: Path) -> WordDocument:
    if not path.is_file():
        raise UsageError(f"Mallen {path} finns inte: ange ett Word-dokument (.docx) med --template.")
    wrong = UsageError(f"Mallen {path} är inget Word-dokument: spara den som .docx i Word och ange den filen.")
    try:
        return open_docx(io.BytesIO(_as_document(path.read_bytes())))
    except (zipfile.BadZipFile, KeyError, ValueError, SyntaxError) as error:  # lxml's errors are SyntaxErrors
        raise wrong from error


def _as_document(content: bytes) -> bytes:
    """A Word template (.dotx) as the document that it is: only the name of its kind differs."""
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        types = package.read("[Content_Types].xml")
        plain = types.replace(b"wordprocessingml.template.main+xml", b"wordprocessingml.document.main+xml")
        if plain == types:
            return content
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as out:
            for entry in package.infolist():
                out.writestr(entry, plain if entry.filename == "[Content_Types].xml" else package.read(entry))
        return made.getvalue()


# --- Styles ---------------------------------------------------------------------------------------------------------


def _name(style: Any) -> str:
    return str(style.find(qn("w:name")).get(qn("w:val")))


def _names(styles: Any) -> set[str]:
    return {_name(style) for style in styles.findall(qn("w:style"))}


@cache
def _ours() -> Any:
    return parse_xml(Path(__file__).with_name("styles.xml").read_bytes())


def _add_styles(document: WordDocument) -> None:
    """Those of ours that the document lacks, based on its own Normal."""
    styles = document.styles.element
    have = _names(styles)
    ids = {style.get(qn("w:styleId")) for style in styles.findall(qn("w:style"))}
    added = [deepcopy(style) for style in _ours() if style.tag == qn("w:style") and _name(style) not in have]
    for style in added:
        if style.get(qn("w:styleId")) in ids:
            style.set(qn("w:styleId"), f"Rapport{style.get(qn('w:styleId'))}")
        styles.append(style)
    normal = style_id(document, "Normal")
    for style in added:
        for tag in ("w:basedOn", "w:next"):
            if (other := style.find(qn(tag))) is not None:
                other.set(qn("w:val"), normal)
        if _name(style) == "List Bullet":
            _bulleted(document, style)


def _bulleted(document: WordDocument, style: Any) -> None:
    """Give a style bullets of its own: a list in Word is a numbering, which stands in another part."""
    numbering = _numbering(document)
    used = [int(n.get(qn("w:numId"))) for n in numbering.findall(qn("w:num"))]
    kinds = [int(n.get(qn("w:abstractNumId"))) for n in numbering.findall(qn("w:abstractNum"))]
    number, kind = max(used, default=0) + 1, max(kinds, default=-1) + 1
    abstract = parse_xml(
        f'<w:abstractNum xmlns:w="{W}" w:abstractNumId="{kind}"><w:multiLevelType w:val="singleLevel"/>'
        '<w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="bullet"/><w:lvlText w:val="•"/><w:lvlJc w:val="left"/>'
        '<w:pPr><w:ind w:left="360" w:hanging="360"/></w:pPr></w:lvl></w:abstractNum>'
    )
    first = numbering.find(qn("w:num"))  # kinds of lists stand before the lists that use them
    if first is None:
        numbering.append(abstract)
    else:
        first.addprevious(abstract)
    numbering.append(parse_xml(f'<w:num xmlns:w="{W}" w:numId="{number}"><w:abstractNumId w:val="{kind}"/></w:num>'))
    settings = style.find(qn("w:pPr"))
    settings.insert(0, parse_xml(f'<w:numPr xmlns:w="{W}"><w:numId w:val="{number}"/></w:numPr>'))


def _numbering(document: WordDocument) -> Any:
    part = document.part
    for relation in part.rels.values():
        if relation.reltype == RELATIONSHIP_TYPE.NUMBERING:
            return relation.target_part.element
    made = XmlPart(
        PackURI("/word/numbering.xml"),
        CONTENT_TYPE.WML_NUMBERING,
        parse_xml(f'<w:numbering xmlns:w="{W}"/>'),
        part.package,
    )
    part.relate_to(made, RELATIONSHIP_TYPE.NUMBERING)
    return made.element


def _set_language(document: WordDocument) -> None:
    """Swedish wherever no text says another: what a screen reader speaks and a spelling checker checks."""
    styles = document.styles.element
    defaults = styles.find(f"{qn('w:docDefaults')}/{qn('w:rPrDefault')}/{qn('w:rPr')}")
    normal = next(s for s in styles.findall(qn("w:style")) if _name(s) == "Normal")
    for holder in (defaults, normal.find(qn("w:rPr"))):
        if holder is None:
            continue
        language = holder.find(qn("w:lang"))
        if language is None:
            language = parse_xml(f'<w:lang xmlns:w="{W}"/>')
            holder.append(language)
        language.set(qn("w:val"), LANGUAGE)
    theme = document.settings.element.find(qn("w:themeFontLang"))
    if theme is not None:
        theme.set(qn("w:val"), LANGUAGE)


def _keep_headers(document: WordDocument) -> None:
    """Give the last section, which the report is in, what it has by being continued from those before: they go."""
    found: dict[tuple[str, str], Any] = {}
    sections = [section._sectPr for section in document.sections]
    for section in sections:
        for reference in section.findall(qn("w:headerReference")) + section.findall(qn("w:footerReference")):
            found[reference.tag, reference.get(qn("w:type"))] = reference
    last = sections[-1]
    for reference in last.findall(qn("w:headerReference")) + last.findall(qn("w:footerReference")):
        last.remove(reference)
    for place, reference in enumerate(found.values()):
        last.insert(place, deepcopy(reference))
    if last.find(qn("w:titlePg")) is None and sections[0].find(qn("w:titlePg")) is not None:
        after = [
            last.find(qn(f"w:{tag}")) for tag in ("textDirection", "bidi", "rtlGutter", "docGrid", "printerSettings")
        ]
        later = next((element for element in after if element is not None), None)
        title = deepcopy(sections[0].find(qn("w:titlePg")))
        last.append(title) if later is None else later.addprevious(title)


# --- Our own look ---------------------------------------------------------------------------------------------------

_LEFT_OUT = (RELATIONSHIP_TYPE.THUMBNAIL, "http://schemas.microsoft.com/office/2007/relationships/stylesWithEffects")


def _make_ours(document: WordDocument) -> None:
    """Take from the library's own template what is the library's: styles, lists, a picture of it, American paper."""
    styles = document.styles.element
    for style in styles.findall(qn("w:style")):
        if style.get(qn("w:type")) != "numbering" and _name(style) not in ("Normal Table", "Default Paragraph Font"):
            styles.remove(style)
    numbering = _numbering(document)
    for child in list(numbering):
        numbering.remove(child)
    for part in (document.part.package, document.part):
        for name, relation in list(part.rels.items()):
            if relation.reltype in _LEFT_OUT:
                del part.rels[name]
    settings = document.settings.element
    for tag, value in (("w:decimalSymbol", ","), ("w:listSeparator", ";")):
        settings.find(qn(tag)).set(qn("w:val"), value)
    for setting in settings.iter(qn("w:compatSetting")):
        if setting.get(qn("w:name")) == "compatibilityMode":
            setting.set(qn("w:val"), "15")  # else Word says that the document is an old one
    section = document.sections[-1]
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.left_margin = section.right_margin = Mm(22)
    section.top_margin, section.bottom_margin = Mm(24), Mm(22)
    section.header_distance = section.footer_distance = Mm(11)

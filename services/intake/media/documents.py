"""PDF, Word, Excel, OpenDocument and plain text: only checked. Documents are shown as they came, authors and all."""

import codecs
import zipfile
from typing import Final

from services.intake.domain.attachments import DamagedFile, DisguisedFile, UnsupportedFile
from services.intake.media.reader import Reader
from shared.errors import InvalidInput

_BLOCK: Final = 256 * 1024
_MOST_MEMBERS: Final = 10_000
_MOST_UNPACKED: Final = 1024 * 1024 * 1024
_LARGEST_INDEX: Final = 1024 * 1024
_TAIL: Final = 2_048
_ZIP_END: Final = b"PK\x05\x06"
_LONGEST_ZIP_END: Final = 65_557
_CONTROLS: Final = frozenset(map(chr, range(32))) - frozenset("\t\n\r\f")
_ODT: Final = b"application/vnd.oasis.opendocument.text"
# what a text may not begin with: pages, scripts and documents that are no plain text to the programs that open them
_NOT_PLAIN: Final = ("<", "#!", "{\\rtf", "%!", "%pdf", "@echo")


def check_pdf(reader: Reader) -> None:
    """Raise DamagedFile for one without an end, DisguisedFile for one that is an archive too."""
    if b"%%EOF" not in reader.up_to(reader.size - _TAIL, _TAIL):
        raise DamagedFile("ends before a PDF does")


def packed_type(reader: Reader) -> str:
    """Tell docx, xlsx and odt by what is inside; raises UnsupportedFile for other archives and for macros."""
    try:
        with zipfile.ZipFile(reader.file) as archive:
            members = archive.infolist()
            names = {member.filename for member in members}
            _check_members(members)
            return _office_type(archive, names)
    except InvalidInput:
        raise
    except Exception as error:  # the archive and its compressions fail in ways of their own
        raise DamagedFile("is a damaged archive") from error


def _check_members(members: list[zipfile.ZipInfo]) -> None:
    if len(members) > _MOST_MEMBERS or sum(member.file_size for member in members) > _MOST_UNPACKED:
        raise DamagedFile("unpacks to more than a document needs")
    for member in members:
        name = member.filename.lower()
        if member.flag_bits & 1:
            raise UnsupportedFile("is locked with a password")
        if "vbaproject" in name or "macrosheets/" in name or name.startswith(("basic/", "scripts/")):
            raise UnsupportedFile("carries macros")


def _office_type(archive: zipfile.ZipFile, names: set[str]) -> str:
    if "mimetype" in names and _member(archive, "mimetype").strip() == _ODT:
        return "odt"
    if "[Content_Types].xml" in names:
        types = _member(archive, "[Content_Types].xml")
        if b"macroEnabled" in types:
            raise UnsupportedFile("carries macros")
        if "word/document.xml" in names and b"wordprocessingml.document.main+xml" in types:
            return "docx"
        if "xl/workbook.xml" in names and b"spreadsheetml.sheet.main+xml" in types:
            return "xlsx"
    raise UnsupportedFile("is an archive, but no document that is taken")


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    with archive.open(name) as member:
        content = member.read(_LARGEST_INDEX + 1)
    if len(content) > _LARGEST_INDEX:
        raise DamagedFile("has an index that is too long")
    return content


def refuse_archive(reader: Reader) -> None:
    """Raise DisguisedFile for a file that archive programs would open: those read a file from its end."""
    tail = reader.up_to(reader.size - _LONGEST_ZIP_END, _LONGEST_ZIP_END)
    if _ZIP_END not in tail:
        return
    try:
        with zipfile.ZipFile(reader.file) as archive:
            is_archive = bool(archive.infolist())
    except Exception:  # noqa: BLE001 - what cannot be opened as an archive is none
        is_archive = False
    if is_archive:
        raise DisguisedFile("is an archive as well")


def text_charset(reader: Reader) -> str:
    """Return the encoding of a plain text: UTF-8, UTF-16 with a mark, or GB 18030. Raises UnsupportedFile."""
    for charset in _charsets(reader.up_to(0, 3)):
        if _decodes(reader, charset):
            return charset
    raise UnsupportedFile("is of no known type")


def _charsets(head: bytes) -> tuple[str, ...]:
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return ("utf-16",)
    return ("utf-8", "gb18030")


def _decodes(reader: Reader, charset: str) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8-sig" if charset == "utf-8" else charset)()
    for position in range(0, reader.size, _BLOCK):
        block = reader.up_to(position, _BLOCK)
        try:
            text = decoder.decode(block, final=position + len(block) >= reader.size)
        except UnicodeDecodeError:
            return False
        if not _CONTROLS.isdisjoint(text):
            return False
        if position == 0 and text.lstrip("\ufeff \t\r\n\f").lower().startswith(_NOT_PLAIN):
            raise UnsupportedFile("is markup or a script, not plain text")
    return True

"""Annotations in XML files, as Pascal VOC has them: parsed without entities, numbers checked."""

from pathlib import Path
from xml.etree import ElementTree

from augfpn.errors import UserError


def parsed_xml(path: Path) -> ElementTree.Element:
    """The root of an XML file.

    Raises: UserError for broken XML, and for a file that declares entities: a few lines of these
    can expand to gigabytes, and annotations need none.
    """
    content = path.read_bytes()
    if b"<!ENTITY" in content.replace(b"\0", b""):  # UTF-16 has a zero beside each letter
        raise UserError(f"{path} declares XML entities, which are not read; export it anew.")
    try:
        return ElementTree.fromstring(content)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise UserError(f"{path} is broken XML ({error}); fetch it anew.") from error


def number_in(
    element: ElementTree.Element, tag: str, kind: type[int] | type[float], path: Path
) -> int | float:
    """The number in an element below. Raises: UserError if there is none."""
    text = element.findtext(tag, "")
    try:
        return kind(text)
    except ValueError as error:
        what = "a whole number" if kind is int else "a number"
        raise UserError(f"{path} has {tag} {text[:40]!r}; make it {what}.") from error

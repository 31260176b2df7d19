"""What a line of a page must not break: intervals, percents, options with values, addresses."""

import re

# Code, formulas and tags keep their spaces; the text between them is what is changed.
KEPT = re.compile(
    r"(<(?P<kept>pre|script|style|code|svg|title)\b.*?</(?P=kept)>"
    r"|<(?P<box>div|span) class=\"math\b.*?</(?P=box)>|<[^>]*>)",
    re.DOTALL,
)
INTERVAL = re.compile(r"\[[-−+\d., \n]+\](?: \*)?")
UNIT = re.compile(r"(?<=\d)[ \n](?=(?:%|px|AP|GB|MiB)(?!\w))")
# The lookbehinds: a page that is not built anew is finished a second time.
PUNCTUATED = re.compile(
    r'(?<!class="unbroken">)(<span class="math [^>]*>(?:(?!</?span).)*</span>[^\s<]+)', re.DOTALL
)
LITERAL_OPTION = re.compile(
    r'(?<!<span class="option">)(<span class="pre">--[a-z-]+</span>'
    r' <span class="pre">[^-\s<][^\s<]*</span>)'
)
OPTION = re.compile(r"(?<!\S)--[a-z][a-z-]*(?: [^-\s\\#][^\s]*)?|\S*https?://\S+")
COMMENT = re.compile(r"(?<!\S)# .*")


def text(page: str) -> str:
    """A page in which intervals, numbers with units, formulas and options are not broken."""
    page = PUNCTUATED.sub(r'<span class="unbroken">\1</span>', page)
    page = LITERAL_OPTION.sub(r'<span class="option">\1</span>', page)
    parts, last = [], 0
    for kept in KEPT.finditer(page):
        parts += [of_numbers(page[last : kept.start()]), kept[0]]
        last = kept.end()
    return "".join([*parts, of_numbers(page[last:])])


def of_numbers(words: str) -> str:
    """Words between tags."""
    whole = INTERVAL.sub(lambda found: re.sub("[ \n]", "\u00a0", found[0]), words)
    return UNIT.sub("\u00a0", whole)


def command(line: str) -> str:
    """A line of a terminal, without the colours of another language; options keep their values.

    An address is kept whole as an option is.
    """
    plain = re.sub(r"<[^>]*>", "", line)
    said, comment = plain, ""
    if found := COMMENT.search(plain):
        said, comment = plain[: found.start()], f'<span class="c1">{found[0]}</span>'
    return OPTION.sub(lambda option: f'<span class="option">{option[0]}</span>', said) + comment

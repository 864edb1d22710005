r"""Numbers as people and models write them, read exactly.

Read are signs, thousands (``1,234``, ``1 234`` with any space, ``1'234``, ``12,34,567``, ``1.234.567,8``), decimals,
exponents (``1e3``, ``10^3``, ``1.5 x 10^3``), fractions and mixed numbers (``3/4``, ``1 1/2``, ``\frac{3}{4}``), digits
of any script, and what LaTeX puts among digits (``9{,}500``, ``10\,000``). Currency and percent signs are units: they
do not count. Times, ratios, dates and version numbers are no numbers, and neither are their parts.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from fractions import Fraction

from evoswarm.tasks.scorers.scorer import boxed

_WIDEST_POWER = 400  # of 10; anything larger is no answer to a question
_LONGEST_BASE = 30  # characters of a number that is raised to a power

_THIN = "\u00a0\u2002-\u200a\u202f\u205f\u3000"  # spaces that are not the plain one
_PLAIN = r"[0-9]+(?:\.[0-9]+)?|\.[0-9]+"
_NUMERAL = (
    r"(?:"
    r"[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])(?:\.[0-9]+)?"
    r"|[0-9]{1,2}(?:,[0-9]{2})+,[0-9]{3}(?![0-9])(?:\.[0-9]+)?"
    rf"|[0-9]{{1,3}}(?:[{_THIN}'\u2019][0-9]{{3}})+(?![0-9])(?:[.,][0-9]+)?"
    r"|[0-9]{1,3}(?: [0-9]{3})+(?!\.?[0-9]| [0-9]|/[0-9])(?:\.[0-9]+)?"
    r"|[0-9]{1,3}(?:\.[0-9]{3})+,[0-9]+(?![0-9])"
    r"|[0-9]{1,3}(?:\.[0-9]{3}){2,}(?!\.?[0-9])"
    rf"|{_PLAIN})"
)
_COMPOSITE = (
    r"[0-9]{4}(?P<first>[-/.])[0-9]{1,2}(?P=first)[0-9]{1,2}(?![0-9])"
    r"|[0-9]{1,2}(?P<last>[-/.])[0-9]{1,2}(?P=last)[0-9]{4}(?![0-9])"
    r"|[0-9]+(?:/[0-9]+){2,}"
    r"|[0-9]+(?::[0-9]+)+"
    r"|(?![0-9]{1,3}(?:\.[0-9]{3}){2,}(?!\.?[0-9])|[0-9]{1,3}(?:\.[0-9]{3})+,[0-9])[0-9]+(?:\.[0-9]+){2,}"
)
_CURRENCY = "[$€£¥₹₩₽₺฿]"
_NUMBER = re.compile(
    rf"(?P<composite>{_COMPOSITE})"
    rf"|(?P<sign>(?<![\w)\]])[-+])?(?:{_CURRENCY} ?)?(?P<late>(?<={_CURRENCY})-)?"
    r"(?:(?P<whole>[0-9]+) (?P<part>[0-9]+/[0-9]+)(?![0-9/])"
    rf"|(?P<above>{_NUMERAL})(?: / |/)(?P<below>{_NUMERAL})(?![0-9/])"
    rf"|(?P<digits>{_NUMERAL})"
    r"(?P<exponent>[eE][-+]?[0-9]{1,3}(?![0-9]))?"
    r"(?:\s?[*x×·]\s?10\^\(?(?P<scale>[-+]?[0-9]{1,3})\)?(?![0-9])"
    r"|(?:\^|\*\*)\(?(?P<power>[-+]?[0-9]{1,3})\)?(?![0-9]))?)"
)  # in `3-5` the minus is no sign
_RANGE = re.compile(rf"\s*{_NUMERAL}\s?-\s?{_NUMERAL}\s*")

_TRANSLATED = str.maketrans(
    {
        **dict.fromkeys("\u2212\u2012\u2013\u2014\ufe63\uff0d", "-"),
        **dict(zip("，．：／＋＄％（）＾", ",.:/+$%()^", strict=True)),
        "\u2044": "/",
        "\u066b": ".",
        "\u066c": ",",
    }
)
_SUPERSCRIPT = re.compile(r"(?<=[0-9)])[⁺⁻]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+")
_VULGAR = re.compile(r"(?<=[0-9])?[¼-¾⅐-⅞]")
_OTHER_DIGIT = re.compile(r"(?![0-9])\d")
_FRACTION = re.compile(r"\\[dtc]?frac\s*(?:\{\s*(-?[0-9.,]+)\s*\}|([0-9]))\s*(?:\{\s*([0-9.,]+)\s*\}|([0-9]))")
_SPACING = re.compile(r"(?<=[0-9])(?:\\[,;:! ]|~)(?=[0-9])")
_BRACED_POWER = re.compile(r"\^\{\s*([-+]?[0-9]+)\s*\}")


def last_number(text: str) -> Fraction | None:
    r"""The last number in a text; the last one within the last ``\boxed{}`` where that holds any."""
    box = boxed(text)
    if box is not None and (found := _last_value(box)) is not None:
        return found
    return _last_value(text)


def whole_number(gold: str) -> Fraction:
    """The number that a gold states.

    Raises:
        ValueError: it states none, or something of several numbers that would be compared by one of them.
    """
    value = last_number(gold)
    found = list(_found(gold))
    if boxed(gold) is None and found and (_value(found[-1]) is None or _RANGE.fullmatch(plain(gold))):
        raise ValueError(
            f"expected one number in the gold (the scorer is numeric), got {gold.strip()[-60:]!r}: a time, date, ratio "
            "or range is compared whole by exact or regex"
        )
    if value is None:
        raise ValueError(f"expected a number in the gold (the scorer is numeric), got {gold[-60:]!r}")
    return value


def spelled(value: Fraction) -> str:
    """One spelling per value: a decimal where it ends, else a fraction in lowest terms."""
    rest, twos, fives = value.denominator, 0, 0
    while rest % 2 == 0:
        rest, twos = rest // 2, twos + 1
    while rest % 5 == 0:
        rest, fives = rest // 5, fives + 1
    if rest != 1:
        return f"{value.numerator}/{value.denominator}"
    places = max(twos, fives)
    digits = str(abs(value.numerator) * 10**places // value.denominator).rjust(places + 1, "0")
    sign = "-" if value < 0 else ""
    return sign + (f"{digits[:-places]}.{digits[-places:]}" if places else digits)


def plain(text: str) -> str:
    """The text with digits, signs and LaTeX in one plain spelling."""
    if not text.isascii():
        text = _OTHER_DIGIT.sub(lambda match: str(unicodedata.decimal(match[0])), text)
        text = _SUPERSCRIPT.sub(_power, text)
        text = _VULGAR.sub(lambda match: " " + unicodedata.normalize("NFKC", match[0]), text).translate(_TRANSLATED)
    if "\\" in text or "{" in text or "~" in text:
        text = text.replace("{,}", ",").replace(r"\times", "×").replace(r"\cdot", "·")
        text = _SPACING.sub("\u2009", text)
        text = _BRACED_POWER.sub(r"^\1", text)
        text = _FRACTION.sub(_divided, text)
        text = text.replace(r"\$", "$")
    return text


def _found(text: str) -> Iterator[re.Match[str]]:
    """All numbers of a text, and what is made of numbers and is none."""
    if any(letter.isnumeric() for letter in text):
        yield from _NUMBER.finditer(plain(text))


def _last_value(text: str) -> Fraction | None:
    values = map(_value, reversed(list(_found(text))))
    return next((value for value in values if value is not None), None)


def _power(match: re.Match[str]) -> str:
    return "^" + unicodedata.normalize("NFKC", match[0]).replace("\u2212", "-")


def _divided(match: re.Match[str]) -> str:
    above, below = match[1] or match[2], match[3] or match[4]
    before = match.string[match.start() - 1 : match.start()]
    return (" " if before.isdigit() else "") + f"{above}/{below}"


def _value(match: re.Match[str]) -> Fraction | None:
    if match["composite"]:
        return None
    sign = -1 if match["sign"] == "-" or match["late"] else 1
    try:
        if match["whole"]:
            return sign * (int(match["whole"]) + Fraction(match["part"]))
        if match["above"]:
            return sign * _decimal(match["above"]) / _decimal(match["below"])
        return _raised(match, sign * _decimal(match["digits"]))
    except (ZeroDivisionError, ValueError):  # a fraction of nothing; more digits than Python turns into a number
        return None


def _raised(match: re.Match[str], value: Fraction) -> Fraction | None:
    if match["power"]:
        power = int(match["power"])
        small = abs(power) <= _WIDEST_POWER and len(match["digits"]) <= _LONGEST_BASE
        return value**power if small else None
    ten = int(match["exponent"][1:]) if match["exponent"] else 0
    ten += int(match["scale"] or 0)
    return value * Fraction(10) ** ten


def _decimal(numeral: str) -> Fraction:
    """The value of a numeral without a sign; which of comma and point divides follows from where they stand."""
    digits = re.sub(r"[^0-9.,]", "", numeral)
    if "," in digits and "." in digits and digits.rindex(",") > digits.rindex("."):
        digits = digits.replace(".", "").replace(",", ".")
    elif digits.count(".") > 1:
        digits = digits.replace(".", "")
    elif len(digits) != len(numeral) and "," in digits:  # `1'234,5`
        digits = digits.replace(",", ".")
    return Fraction(digits.replace(",", ""))

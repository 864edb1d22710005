"""Texts of every kind that a model may write, made from a seed: what the byte view is asked about."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from functools import partial

LONGEST = 48  # bytes; places further on have the same few last bytes before them

WORDS = """
the of and a to in is that it was for on are as with his they at be this from have or by one had not but what all were
don't it's we'll they've I'd you're he'd isn't Won't IT'S WE'LL I'LL 'twas o'clock rock'n'roll iPhone eBay McDonald
unbelievable tokenization Internationalisation antidisestablishment xylophone
"""
ENGLISH = tuple(WORDS.split())
CODE = (
    "def total(values):\n    return sum(value for value in values)\n",
    "for (int i = 0; i < n; ++i) {\n\t\tx[i] += y[i] * 2;\n\t}\n",
    "if __name__ == '__main__':\n        main(sys.argv[1:])\n",
    "const f = async (x) => { await g(x ?? `a${x}`); };\n",
    "SELECT a.id, COUNT(*) FROM t AS a WHERE a.x >= 10\n  GROUP BY 1;",
    "#include <stdio.h>\r\nint main(void) {\r\n    return 0;\r\n}\r\n",
    "    @property\n    def name(self) -> str:\n        return f'{self._name!r}'\n\n\n",
    "x = {'a': [1, 2], \"b\": None}  # noqa: E501\ny = x['a'][-1] ** 2 // 3\n",
    'sudo apt-get install -y --no-install-recommends gcc && echo "$?" | tee -a /tmp/log.txt\n',
)
HTML = (
    *("<table>", "</table>", "<tr>", "<td>", "</td>", "<h1>", "</h1>", "<p>", "</p>", "<ul>", "<li>", "</li>", "<br>"),
    *(
        "<strong>",
        "</strong>",
        '<a href="x">',
        "</a>",
        "<div>",
        "<img src='y'/>",
        "&nbsp;",
        "&lt;",
        "<code>",
        "</code>",
    ),
    *("<blockquote>", "<!-- z -->", "<thead>", "<tbody>", "<em>", "<i>", "<b>", "<sub>", "<sup>"),
)
MARKS = (
    *(
        "<think>",
        "</think>",
        "<tool_call>",
        "</tool_call>",
        "<tool_response>",
        "<|fim_prefix|>",
        "<｜User｜>",
        "<mask>",
    ),
    *("<unused7>", "[multimodal]", "<｜Assistant｜>", "<|repo_name|>", "|||IP_ADDRESS|||", "|||EMAIL_ADDRESS|||"),
)
SPECIALS = (
    *("<s>", "</s>", "<unk>", "<pad>", "<bos>", "<eos>", "<|endoftext|>", "<|im_start|>", "<|im_end|>", "[INST]"),
    *("[/INST]", "<start_of_turn>", "<end_of_turn>", "<|begin_of_text|>", "<|eot_id|>", "<|end|>", "<|return|>"),
    *("<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>", "<|start_header_id|>", "<|channel|>", "<0x0A>", "<0xE2>"),
    *("<|assistant|>", "<|user|>", "[IMG]", "<SPECIAL_20>", "▁", "▁▁", "a▁b", "Ġ", "Ċ"),
)
SCRIPTS = (
    "быстрая коричневая лиса прыгает через ленивую собаку Привет мир",
    "東京は日本の首都です。これはテストの文です、カタカナとひらがな。",
    "我们今天去公园散步,天气很好。语言模型的输出分布是什么?",
    "한국어 문장을 여기에 씁니다. 오늘 날씨가 좋네요",
    "اللغة العربية تُكتب من اليمين إلى اليسار مرحبا",
    "हिन्दी में यह एक वाक्य है। नमस्ते दुनिया क्षत्रिय",
    "ภาษาไทยไม่มีช่องว่างระหว่างคำ สวัสดีครับ",
    "Η γρήγορη καφέ αλεπού πηδάει πάνω από το σκυλί",
    "Žluťoučký kůň úpěl ďábelské ódy, straße naïve café Ångström Ñandú",
    "שלום עולם זה משפט בעברית עִם נִקּוּד",
)
EMOJI = (
    *(
        "🙂",
        "🎉",
        "👩🏽\u200d🚀",
        "👨\u200d👩\u200d👧",
        "🏳️\u200d🌈",
        "🇩🇪🇫🇷",
        "❤️",
        "👍🏿",
        "🤷\u200d♀️",
        "e\u0301",
        "n\u0303",
        "①",
        "½",
        "²",
    ),
    *(
        "\u200b",
        "\u00a0",
        "\u3000",
        "\u2003",
        "…",
        "—",
        "“",
        "”",
        "’s",
        "€",
        "™",
        "\ufeff",
        "\u2028",
        "ﬁ",
        "Å",
        "\u0301",
    ),
)
WHITE = (" ", "  ", "   ", "    ", " " * 7, " " * 8, " " * 15, " " * 24, " " * 33, "\t", "\t\t", "\n", "\n\n", "\n\n\n")
WHITE += (  # type: ignore[assignment]
    "\r\n",
    "\r\n\r\n",
    "\r",
    " \n",
    "\n ",
    "\t\n",
    "\n\t",
    "  \n  ",
    "\n    ",
    " \t ",
    "\v",
    "\f",
    "\x00",
    "\x7f",
)
NUMBERS = (
    *(
        "1234567",
        "20,480",
        "3.14159",
        "1984",
        "0",
        "00",
        "1e-6",
        "0x1F",
        "12:34:56",
        "2026-11-28",
        "+49 30 1234",
        "50%",
    ),
    *(
        "$1,000.00",
        "1/2",
        "10^3",
        "v1.2.3",
        "007",
        "999999999999",
        "-5",
        "3.",
        ".5",
        "1st",
        "2nd",
        "A4",
        "b2b",
        "x86_64",
    ),
)
PUNCTUATION = (
    *(
        "...",
        "!!!",
        "?!",
        "--",
        "---",
        "===",
        "***",
        "```",
        "'",
        '"',
        "''",
        '."',
        ".)",
        "),",
        "({[",
        "]})",
        "://",
        "//",
    ),
    *(
        "\\n",
        "\\\\",
        "&&",
        "||",
        "->",
        "=>",
        "<=",
        "!=",
        "#",
        "##",
        "@",
        "~",
        "^",
        "_",
        "__",
        "$",
        "%",
        "|",
        "|-",
        "'.",
        "/",
    ),
)
PIECES: tuple[Sequence[str], ...] = (ENGLISH, HTML, MARKS, SPECIALS, EMOJI, WHITE, NUMBERS, PUNCTUATION, CODE)


def _joined(chance: random.Random, pieces: Sequence[str], between: Sequence[str], most: int = 9) -> str:
    return "".join(chance.choice(pieces) + chance.choice(between) for _ in range(chance.randint(1, most)))


def _cut_out(chance: random.Random, texts: Sequence[str]) -> str:
    text = chance.choice(texts)
    start = chance.randrange(len(text))
    return text[start : start + chance.randint(1, 30)]


def _table(chance: random.Random) -> str:
    mark = chance.choice(("|", " | ", ",", "\t", "; "))
    rows = [mark.join(chance.choice((*ENGLISH, *NUMBERS)) for _ in range(3)) for _ in range(3)]
    rule = chance.choice(("", "\n|---|---|---|", "\n" + "-" * chance.randint(1, 20)))
    return (rule + chance.choice(("\n", "\r\n"))).join(rows)


def _spaces(chance: random.Random) -> str:
    return "".join(
        chance.choice(("a", "x", "The", ".", "1", "é", "(", "")) + " " * chance.randint(0, 40) for _ in range(3)
    )


def _mixed(chance: random.Random) -> str:
    every = [chance.choice(chance.choice(PIECES)) for _ in range(chance.randint(2, 8))]
    return "".join(chance.choice((piece, piece, _cut_out(chance, SCRIPTS))) for piece in every)


def _any_character(chance: random.Random) -> str:
    ranges = (
        (0x20, 0x7F),
        (0xA0, 0x250),
        (0x370, 0x530),
        (0x590, 0xE80),
        (0x2000, 0x2C00),
        (0x3000, 0xD7FF),
        (0x1F300, 0x1FAFF),
    )
    return "".join(chr(chance.randrange(*chance.choice(ranges))) for _ in range(chance.randint(1, 8)))


KINDS: dict[str, Callable[[random.Random], str]] = {
    "English": partial(_joined, pieces=ENGLISH, between=(" ", " ", ", ", ". ", "\n")),
    "code": partial(_cut_out, texts=CODE),
    "tables": _table,
    "runs of spaces": _spaces,
    "white space": partial(_joined, pieces=("a", "The", "x1", ".", ")", "é", "东", "#"), between=WHITE, most=5),
    "digits": partial(_joined, pieces=NUMBERS, between=("", " ", "  ", "\n", ", ", "a")),
    "scripts": partial(_cut_out, texts=SCRIPTS),
    "emoji and joiners": partial(_joined, pieces=EMOJI, between=("", "", " ", "a", "  ")),
    "HTML": partial(_joined, pieces=HTML, between=("", "", "\n", "a", " b ", "\n    ")),
    "thoughts": partial(_joined, pieces=MARKS, between=("", "\n", "\n\n", " ", "Okay, so", " x")),
    "special tokens": partial(_joined, pieces=SPECIALS, between=("", " ", "\n", "a", "  ")),
    "punctuation": partial(_joined, pieces=PUNCTUATION, between=("", "", " ", "a", "B", "1", "\n")),
    "mixed": _mixed,
    "any character": _any_character,
}
"""Per kind of text what makes one."""


def texts(count: int, seed: int) -> list[tuple[str, bytes]]:
    """Distinct beginnings of texts, cut at any byte.

    Args:
        count: how many.
        seed: what they are made from.

    Returns:
        kinds and texts, which are valid UTF-8 but for a last character that may be unfinished.
    """
    chance = random.Random(seed)
    found: dict[bytes, str] = {b"": "nothing"}
    while len(found) < count:
        kind = list(KINDS)[len(found) % len(KINDS)]
        raw = KINDS[kind](chance).encode()[:LONGEST]
        found.setdefault(raw[: chance.choice((len(raw), chance.randint(0, len(raw))))], kind)
    return [(kind, raw) for raw, kind in found.items()]

"""Make the corpora that the rules are judged by: texts that must go, and paths that must stay.

Everything is generated from a seed, or read from packages that are installed
for the tests; nothing of anybody else's is committed.
"""

from __future__ import annotations

import base64
import pydoc_data.topics
import random
import re
import string
import uuid
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import NamedTuple
from urllib.parse import quote

SEED = 20261123
_B64URL = string.ascii_letters + string.digits + "-_"


class Positive(NamedTuple):
    """A line of the scrub corpus: a shape, the secret itself, how it is written, and encoded."""

    shape: str
    secret: str
    encoding: str
    written: str


def _digits(rng: random.Random, count: int) -> str:
    return "".join(rng.choices(string.digits, k=count))


def _name(rng: random.Random) -> str:
    return rng.choice(
        ["anna", "bob", "carla", "dieter", "elif", "fatima", "george", "hana", "ivan", "joão"]
    )


def _email(rng: random.Random) -> str:
    host = rng.choice(["example.org", "mail.example.co.uk", "1und1.de", "uni-köln.de", "localhost"])
    mark = rng.choice(["@", "@", "@", "(at)", "[at]"])
    return f"{_name(rng)}{rng.choice(['', '.', '+', '_'])}{rng.randrange(99)}{mark}{host}"


def _jwt(rng: random.Random) -> str:
    parts = [b'{"alg":"HS256"}', b'{"sub":"' + _digits(rng, 8).encode() + b'"}', rng.randbytes(32)]
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


def _luhn_check_digit(digits: str) -> str:
    total = sum(
        sum(divmod(int(digit) * (2 if at % 2 == 0 else 1), 10))
        for at, digit in enumerate(reversed(digits))
    )
    return str(-total % 10)


def _card(rng: random.Random) -> str:
    body = rng.choice(["4", "51", "37", "6011"])
    body += _digits(rng, rng.choice([14, 15]) - len(body))
    number = body + _luhn_check_digit(body)
    mark = rng.choice(["", "", "-", " "])
    return mark.join(number[at : at + 4] for at in range(0, len(number), 4))


def _iban(rng: random.Random) -> str:
    country, length = rng.choice([("DE", 18), ("FR", 23), ("GB", 18), ("NO", 11), ("AT", 16)])
    body = _digits(rng, length)
    if country == "GB":
        body = "".join(rng.choices(string.ascii_uppercase, k=4)) + body[4:]
    number = int("".join(str(int(sign, 36)) for sign in f"{body}{country}00"))
    iban = f"{country}{98 - number % 97:02d}{body}"
    mark = rng.choice(["", " "])
    return mark.join(iban[at : at + 4] for at in range(0, len(iban), 4))


def _phone(rng: random.Random) -> str:
    return rng.choice(
        [
            f"+49 30 {_digits(rng, 7)}",
            f"+1-555-{_digits(rng, 3)}-{_digits(rng, 4)}",
            f"(0{_digits(rng, 2)}) {_digits(rng, 3)} {_digits(rng, 4)}",
            f"+44{_digits(rng, 10)}",
            f"06.{'.'.join(_digits(rng, 2) for _ in range(4))}",
        ]
    )


def _ip4(rng: random.Random) -> str:
    return ".".join(str(rng.randrange(256)) for _ in range(4))


def _ip6(rng: random.Random) -> str:
    groups = [f"{rng.randrange(1, 65536):x}" for _ in range(8)]
    return rng.choice(
        [":".join(groups), f"2001:db8::{groups[0]}", f"fe80::{groups[1]}:{groups[2]}"]
    )


def _mac(rng: random.Random) -> str:
    return rng.choice(":-").join(f"{byte:02x}" for byte in rng.randbytes(6))


def _hex(rng: random.Random) -> str:
    return rng.randbytes(rng.choice([8, 10, 16, 20, 32])).hex()


def _token(rng: random.Random) -> str:
    return "".join(rng.choices(_B64URL, k=rng.choice([21, 22, 27, 32, 43, 64])))


def _number(rng: random.Random) -> str:
    return str(rng.randrange(2, 9)) + "9" + _digits(rng, rng.choice([3, 5, 7, 10]))


def _order(rng: random.Random) -> str:
    return rng.choice(["order-", "user_", "kunde-nr-", "invoice "]) + _number(rng)


def _vendor_key(rng: random.Random) -> str:
    def some(count: int) -> str:
        return "".join(rng.choices(string.ascii_letters + string.digits, k=count))

    return rng.choice(
        [
            "AKIA" + "".join(rng.choices(string.ascii_uppercase + string.digits, k=16)),
            f"ghp_{some(36)}",
            f"sk_live_{some(24)}",
            f"xoxb-{_digits(rng, 11)}-{some(24)}",
            f"AIza{some(35)}",
            f"glpat-{some(20)}",
        ]
    )


def _assigned(rng: random.Random) -> str:
    key = rng.choice(
        [
            "sid",
            "session",
            "token",
            "access_token",
            "key",
            "sig",
            "code",
            "state",
            "nonce",
            "pwd",
            "password",
        ]
    )
    return f"{key}={''.join(rng.choices(string.ascii_lowercase, k=8))}"


def _national(rng: random.Random) -> str:
    return rng.choice(
        [
            f"{_digits(rng, 3)}-{_digits(rng, 2)}-{_digits(rng, 4)}",
            f"QQ {_digits(rng, 2)} {_digits(rng, 2)} {_digits(rng, 2)} C",
            f"QQ{_digits(rng, 6)}C",
        ]
    )


def _uuid(rng: random.Random) -> str:
    made = uuid.UUID(bytes=rng.randbytes(16), version=4)
    return rng.choice([str(made), str(made).upper(), made.hex])


SHAPES: dict[str, Callable[[random.Random], str]] = {
    "email": _email,
    "uuid": _uuid,
    "jwt": _jwt,
    "token": _token,
    "hash": _hex,
    "number": _number,
    "order": _order,
    "ip4": _ip4,
    "ip6": _ip6,
    "mac": _mac,
    "phone": _phone,
    "card": _card,
    "iban": _iban,
    "vendor key": _vendor_key,
    "assigned": _assigned,
    "national": _national,
}


def _full_width(text: str) -> str:
    return "".join(chr(ord(sign) + 0xFEE0) if "!" <= sign <= "~" else sign for sign in text)


def _hidden(text: str) -> str:
    middle = len(text) // 2
    return f"{text[:middle]}\u200b{text[middle:]}"


ENCODINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "percent": lambda text: quote(text, safe=""),
    "every byte": lambda text: "".join(f"%{byte:02X}" for byte in text.encode()),
    "twice": lambda text: quote(quote(text, safe=""), safe=""),
    "three times": lambda text: quote(quote(quote(text, safe=""), safe=""), safe=""),
    "oftener": lambda text: quote("".join(f"%252525{byte:02X}" for byte in text.encode())),
    "full width": _full_width,
    "zero width": _hidden,
}


def positives(each: int = 20) -> list[Positive]:
    """Generate the scrub corpus: so many of each of 16 shapes in each of 8 encodings."""
    rng = random.Random(SEED)
    return [
        Positive(shape, secret, encoding, encode(secret))
        for shape, make in SHAPES.items()
        for encoding, encode in ENCODINGS.items()
        for secret in (make(rng) for _ in range(each))
    ]


def is_scrubbed(line: Positive, path: str) -> bool:
    """Tell whether nothing of a line's secret is left in `/a/<line>/b` once it is cleaned."""
    left = path.removeprefix("/a/").removesuffix("/b")
    if re.fullmatch(r":[a-z0-9]+", left):
        return True
    # A number goes alone: what is left beside it may say "order", and no digits.
    return line.shape in ("order", "number") and ":num" in left and not re.search(r"\d{3}", left)


def english_words() -> list[str]:
    """Take words of three letters and more from the manual that comes with Python."""
    text = " ".join(pydoc_data.topics.topics.values())
    return sorted({word for word in re.findall(r"\b[A-Za-z]{3,18}\b", text) if word.islower()})


_COMPOUNDS = [
    "datenschutzerklaerung",
    "rechtsschutzversicherung",
    "donaudampfschifffahrt",
    "widerrufsbelehrung",
    "versandkostenfrei",
    "inbetriebnahmeprotokoll",
    "internationalization",
    "geschaeftsbedingungen",
    "krankenversicherungsvergleich",
    "speisekarte",
    "impressum",
    "käsekuchen",
    "über-uns",
    "straße",
    "lentokonesuihkuturbiinimoottori",
    "anticonstitutionnellement",
    "konfirmandenunterricht",
    "arbeitsunfähigkeitsbescheinigung",
    "waermepumpenfoerderung",
    "kundenzufriedenheit",
]
_SECTIONS = [
    "blog",
    "news",
    "docs",
    "shop",
    "products",
    "about",
    "contact",
    "category",
    "tag",
    "help",
    "support",
    "guides",
    "events",
    "press",
    "jobs",
    "pricing",
    "features",
    "features/reports",
    "company/team",
    "legal/privacy",
    "en-us",
    "de",
    "fr/produits",
    "collections/summer",
    "wiki",
    "en/stable",
    "api/v2",
    "forum",
    "archive",
    "gallery",
    "recipes",
    "people",
]


def ordinary_paths(count: int = 10_000) -> list[str]:
    """Generate paths as sites have them: sections, titles, years, dates, pages, small numbers."""
    rng = random.Random(SEED)
    words = english_words()
    forms: list[Callable[[], str]] = [
        lambda: f"/{rng.choice(_SECTIONS)}/{_title(rng, words)}",
        lambda: f"/{rng.choice(_SECTIONS)}/{_title(rng, words)}/{rng.choice(words)}",
        lambda: f"/{rng.choice(_SECTIONS)}/{_title(rng, words).title()}",
        lambda: f"/wiki/{_title(rng, words).title().replace('-', '_')}",
        lambda: (
            f"/blog/{rng.randrange(2005, 2027)}/{rng.randrange(1, 13):02d}/{_title(rng, words)}"
        ),
        lambda: (
            f"/{rng.randrange(2015, 2027)}-{rng.randrange(1, 13):02d}-{rng.randrange(1, 29):02d}"
            f"-{_title(rng, words)}"
        ),
        lambda: f"/{rng.choice(_SECTIONS)}/page/{rng.randrange(2000)}",
        lambda: f"/docs/v{rng.randrange(9)}.{rng.randrange(30)}/{rng.choice(words)}.html",
        lambda: (
            f"/docs/{rng.randrange(9)}.{rng.randrange(30)}.{rng.randrange(9)}/{_camel(rng, words)}"
        ),
        lambda: f"/p/{rng.choice(words)}-{rng.randrange(1, 9999)}",
        lambda: (
            f"/shop/{rng.choice(words)}-{rng.randrange(2, 5000)}{rng.choice(['gb', 'mm', 'w'])}"
        ),
        lambda: f"/{_title(rng, words)}/",
        lambda: (
            f"/{rng.choice(_SECTIONS)}/{_title(rng, words)}.{rng.choice(['html', 'php', 'pdf'])}"
        ),
        lambda: f"/{rng.choice(_COMPOUNDS)}",
        lambda: f"/{rng.choice(_SECTIONS)}/{rng.choice(_COMPOUNDS)}-{rng.choice(words)}",
        lambda: f"/{rng.choice(words)}+{rng.choice(words)}/{rng.choice(words)},{rng.choice(words)}",
        lambda: f"/(group)/{rng.choice(words)}/{rng.choice(words)}~{rng.randrange(99)}",
        lambda: f"/iPhone-{rng.randrange(10, 18)}-Pro-Max-256GB-{rng.choice(words).title()}",
    ]
    return [rng.choice(forms)() for _ in range(count)]


def _title(rng: random.Random, words: list[str]) -> str:
    return "-".join(rng.choices(words, k=rng.randrange(1, 11)))


def _camel(rng: random.Random, words: list[str]) -> str:
    return "".join(word.title() for word in rng.choices(words, k=rng.randrange(1, 5)))


def crawlers() -> Iterator[str]:
    """Read the user agents of crawlers that the package crawler-user-agents records."""
    crawleruseragents = import_module("crawleruseragents")  # untyped
    for entry in crawleruseragents.CRAWLER_USER_AGENTS_DATA:
        yield from entry["instances"]

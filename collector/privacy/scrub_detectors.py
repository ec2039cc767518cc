"""Recognise the shapes of what could name a person: addresses, numbers, keys.

Pure; every pattern is bounded, and looked for only where the character it
cannot do without is there. Refuses to know paths and fields; called by
`privacy.scrub` alone.

Source of the shapes: facts-privacy-security.md §2.7, steps 4 and 5.
"""

from __future__ import annotations

import re

MAX_SEGMENT = 200
"""Characters of one path segment; a longer one is no title."""

_EMAIL = re.compile(
    r"[\w.+!#$&'*=?^`{|}~-]{1,64}\s?(?:@|\(at\)|\[at\]|\{at\})\s?[^\W\d][\w-]{0,62}", re.IGNORECASE
)
_EMAIL_NUMERIC_HOST = re.compile(r"[\w.+-]{1,64}@[\w-]{0,62}\.?[\w.-]{0,190}[a-z]", re.IGNORECASE)
_HANDLE = re.compile(r"@[\w.-]{1,64}")
_UUID = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}", re.IGNORECASE)
_JWT = re.compile(r"eyJ[\w-]{5,}\.[\w-]{5,}")
_IP4 = re.compile(
    r"(?<![\d.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)[.-]){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![\d.]*\d)"
)
_IP6 = re.compile(r"(?<![\w:])[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}(?![\w:])", re.IGNORECASE)
_MAC = re.compile(r"(?<![0-9a-f])(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}(?![0-9a-f])", re.IGNORECASE)
_DIGITS = re.compile(r"\+?\(?\d(?:[ ().\u2010-\u2015/-]{0,3}\d)*")
_NUMBER = re.compile(r"\d{5,}")
_DATE = re.compile(r"20(?:1[5-9]|[23]\d)[-._]?(?:0[1-9]|1[0-2])[-._]?(?:0[1-9]|[12]\d|3[01])(?!\d)")
_IBAN = re.compile(r"[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]){11,30}", re.IGNORECASE)
_HEX = re.compile(r"(?<![0-9a-z])[0-9a-f]{16,}(?![0-9a-z])", re.IGNORECASE)
_NINO = re.compile(r"(?<![a-z])[a-z]{2} ?\d\d ?\d\d ?\d\d ?[a-d](?![a-z])", re.IGNORECASE)
_SSN = re.compile(r"(?<!\d)\d{3}-\d{2}-\d{4}(?!\d)")
_VENDOR_KEY = re.compile(
    r"AKIA[0-9A-Z]{12,}|gh[pousr]_\w{16,}|github_pat_\w{16,}|glpat-[\w-]{16,}"
    r"|[sr]k_(?:live|test)_\w{8,}|xox[abeprs]-[\w-]{8,}|AIza[\w-]{20,}|SG\.[\w-]{16,}"
    r"|-----BEGIN "
)
_ASSIGNED = re.compile(
    r"(?:session|sess|sid|token|key|sig|signature|code|state|nonce|pwd|passwd|password|secret"
    r"|auth|jwt|otp|pin|email|mail|phone|tel)\w{0,16}=[^&\s]",
    re.IGNORECASE,
)
_RUN = re.compile(r"[A-Za-z0-9_~+/=-]{16,}")
_CHANGE = re.compile(r"[a-z](?=[A-Z0-9])|[A-Z](?=[0-9])|[0-9](?=[A-Za-z])")
_UNBROKEN = re.compile(r"[A-Za-z0-9]{20,}")

SECRET_LENGTH = 20
CARD_DIGITS = range(13, 20)
PHONE_DIGITS = 9
IBAN_LENGTH = range(15, 35)


def class_of_segment(segment: str) -> str:
    """Give one path segment, or its class if it could name a person.

    A long number within a title is replaced alone: `shirt-123456` gives `shirt-:num`.
    """
    if len(segment) > MAX_SEGMENT:
        return ":long"
    found = _class_in(segment)
    if found != ":num":
        return found or segment
    return _NUMBER.sub(lambda run: run[0] if _is_date(run[0]) else ":num", segment)


def is_personal(text: str) -> bool:
    """Tell whether anything in a text could name a person.

    Args:
        text: at most a few thousand characters; time is linear in them.
    """
    return bool(_class_in(text))


def _class_in(text: str) -> str:
    """Name the first class found in a text, the surest first; empty if there is none."""
    if not text.isascii() and not text.isalpha():
        text = text.translate(_FULL_WIDTH)
    for sign, detectors in _DETECTORS:
        if sign.search(text):
            for name, detect in detectors:
                if detect(text):
                    return name
    return ":token" if _is_token(text) else ""


_FULL_WIDTH = {0xFF20: "@", 0xFE6B: "@", 0x2024: ".", 0xFF0E: "."}


def _is_email(text: str) -> bool:
    return bool(_EMAIL.search(text) or _EMAIL_NUMERIC_HOST.search(text))


def _is_card(text: str) -> bool:
    return any(
        len(digits) in CARD_DIGITS and _luhn(digits)
        for digits in map(_only_digits, _DIGITS.findall(text))
    )


def _is_phone(text: str) -> bool:
    return any(
        not run.isdigit() and len(_only_digits(_DATE.sub("", run))) >= PHONE_DIGITS
        for run in _DIGITS.findall(text)
    )


def _is_number(text: str) -> bool:
    return any(not _is_date(run) for run in _NUMBER.findall(text))


def _is_date(run: str) -> bool:
    return bool(_DATE.fullmatch(run))


def _is_iban(text: str) -> bool:
    return any(_mod_97(found) for found in _IBAN.findall(text))


def _only_digits(run: str) -> str:
    return "".join(filter(str.isdigit, run))


def _luhn(digits: str) -> bool:
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (sum(map(int, digits[-1::-2])) + sum(doubled)) % 10 == 0


def _mod_97(found: str) -> bool:
    letters = re.sub(r"[ -]", "", found).upper()
    return any(
        int("".join(str(int(sign, 36)) for sign in letters[4:end] + letters[:4])) % 97 == 1
        for end in range(min(len(letters), IBAN_LENGTH[-1]), IBAN_LENGTH[0] - 1, -1)
    )


def _is_token(text: str) -> bool:
    """Tell whether a text holds a run that no person would write."""
    return any(_is_random(run) for run in _RUN.findall(text))


def _is_random(run: str) -> bool:
    changes = len(_CHANGE.findall(run))
    if len(run) >= SECRET_LENGTH and changes * 5 >= len(run):
        return True
    if len(run) < SECRET_LENGTH and changes >= 6:
        return True
    return any(not _is_word(piece) for piece in _UNBROKEN.findall(run))


def _is_word(piece: str) -> bool:
    """Tell whether twenty letters or more in a row read like a (compound) word."""
    letters = piece.lower()
    if not piece.isalpha() or not (piece.islower() or piece.istitle() or piece.isupper()):
        return False
    vowels = sum(letters.count(vowel) for vowel in "aeiouy")
    return vowels * 4 >= len(letters)


_DETECTORS = (
    (re.compile(r"eyJ"), ((":jwt", lambda text: bool(_JWT.search(text))),)),
    (
        re.compile(r"[@(\[{]"),
        ((":email", _is_email), (":user", lambda text: bool(_HANDLE.match(text)))),
    ),
    (re.compile(r"="), ((":token", lambda text: bool(_ASSIGNED.search(text))),)),
    (re.compile(r"[_-]|A"), ((":token", lambda text: bool(_VENDOR_KEY.search(text))),)),
    (
        re.compile(r"\d"),
        (
            (":uuid", lambda text: bool(_UUID.search(text))),
            (":mac", lambda text: bool(_MAC.search(text))),
            (":ip", lambda text: bool(_IP4.search(text))),
            (":iban", _is_iban),
            (":card", _is_card),
            (":phone", _is_phone),
            (":num", lambda text: bool(_SSN.search(text) or _NINO.search(text))),
            (":hash", lambda text: bool(_HEX.search(text))),
            (":num", _is_number),
        ),
    ),
    (re.compile(r":.*:"), ((":ip", lambda text: bool(_IP6.search(text))),)),
)

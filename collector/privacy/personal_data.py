"""Detect personal data in text: e-mail addresses, IP addresses, numbers, keys and tokens.

Every pattern is bounded, and tried only where a character that it requires occurs.
"""

from __future__ import annotations

import re
from itertools import pairwise

MAX_SEGMENT = 200
"""The longest path segment that is kept, in characters."""

_EMAIL = re.compile(
    r"[\w.+!#$&'*=?^`{|}~-]{1,64}\s?(?:@|\(at\)|\[at\]|\{at\})\s?[^\W\d][\w-]{0,62}", re.IGNORECASE
)
_EMAIL_NUMERIC_HOST = re.compile(
    r"[\w.+-]{1,64}(?:@|\(at\)|\[at\]|\{at\})[\w.-]{0,250}[^\W\d_]", re.IGNORECASE
)
_HANDLE = re.compile(r"[@~][\w.-]{1,64}")
_UUID = re.compile(
    r"(?<![0-9a-z])[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}(?![0-9a-z])", re.IGNORECASE
)
_JWT = re.compile(r"(?<![\w-])eyJ[\w-]{5,}\.[\w-]{5,}")
_IP4 = re.compile(
    r"(?<![\d.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?!\.?\d)"
    r"|(?<![a-z])ip(?:-\d{1,3}){4}(?!\d)",
    re.IGNORECASE,
)
_IP6 = re.compile(
    r"(?<![\w:])(?:(?:[0-9a-f]{1,4}:){3,7}[0-9a-f]{1,4}|[0-9a-f:]{0,34}::[0-9a-f:]{1,34})(?![\w:])",
    re.IGNORECASE,
)
_MAC = re.compile(r"(?<![0-9a-f])(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}(?![0-9a-f])", re.IGNORECASE)
_DIGITS = re.compile(r"\+?\(?\d(?:[ ().\u2010-\u2015/-]{0,3}\d)*")
_WORD = re.compile(r"[^\W_]+")
_NUMBER = re.compile(r"\d{5,}")
_DATE = re.compile(r"20(?:1[5-9]|[23]\d)[-._]?(?:0[1-9]|1[0-2])[-._]?(?:0[1-9]|[12]\d|3[01])(?!\d)")
_IBAN = re.compile(r"[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]){11,30}", re.IGNORECASE)
_HEX = re.compile(r"(?<![0-9a-z])(?=\d{0,40}[a-f])[0-9a-f]{16,}(?![0-9a-z])", re.IGNORECASE)
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
_STILL_ENCODED = re.compile(r"%[0-9a-f]{2}", re.IGNORECASE)
_RUN = re.compile(r"[A-Za-z0-9_~+/=-]{16,}")
_CHANGE = re.compile(r"[a-z](?=[A-Z0-9])|[A-Z](?=[0-9])|[0-9](?=[A-Za-z])|(?<=[A-Z])[A-Z](?=[a-z])")
_UNBROKEN = re.compile(r"[A-Za-z0-9]{20,}")

SECRET_LENGTH = 20
CARD_DIGITS = range(13, 20)
PHONE_DIGITS = 9

# Length of an IBAN by country. Source: the registry of ISO 13616, as known in November 2026.
_LENGTHS = (
    "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 "
    "DK18 DO28 EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 "
    "IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 "
    "MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 "
    "SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30"
)
_IBAN_LENGTHS = {entry[:2]: int(entry[2:]) for entry in _LENGTHS.split()}

# Pairs of letters that make up 95 % of the words in fifteen European languages, as
# first letter and those after it; counted in November 2026 in the translated messages of a
# Debian system. Of random runs of 20 letters and more 0.4 % read like words by them, of
# true compounds as long 0.5 % do not.
_PAIRS_OF_WORDS = (
    "aabcdefghijklmnoprstuvwyz baeiloru caehiklorstuz dadeilnorsu eabcdefghijklmnoprstuvwxyz "
    "faefilortu gaeghilnorstu haeilortu iabcdefgijklmnoprstvz jaeiou kaehiklnorstu "
    "ladegiklmnostuy mabeilmnopsu nacdefgijklmnostuvyz oabcdefghiklmnoprstuvwz paeiloprstu qu "
    "rabcdefghiklmnorstuvyz sacefhiklmnoprstuvyz taehiklnorstuy uabcdefgijklmnoprstuvz vaeioy "
    "waeioy xt yaceilmnopst zaeinouy "
)
_PAIRS = frozenset(row[0] + after for row in _PAIRS_OF_WORDS.split() for after in row[1:])


def class_of_segment(segment: str) -> str:
    """Return a path segment, or its class if it could identify a person.

    Only the number is replaced in a title: `shirt-123456` becomes `shirt-:num`.
    """
    if len(segment) > MAX_SEGMENT:
        return ":long"
    found = _class_in(segment)
    if found != ":num":
        return found or segment
    return _WORD.sub(lambda word: ":num" if _is_number(word[0]) else word[0], segment)


def is_personal(text: str) -> bool:
    """Return True if anything in a text could identify a person.

    Args:
        text: at most a few thousand characters; time is linear in them.
    """
    return bool(_class_in(text))


def _class_in(text: str) -> str:
    """Return the first class found in a text, the surest first; empty if there is none."""
    for sign, detectors in _DETECTORS:
        if sign.search(text):
            for name, detect in detectors:
                if detect(text):
                    return name
    return ":token" if _is_token(text) else ""


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
    """Check an IBAN by its country's length and its check digits (ISO 13616, ISO 7064)."""
    letters = re.sub(r"[ -]", "", found).upper()
    length = _IBAN_LENGTHS.get(letters[:2], 0)
    if not length or len(letters) < length:
        return False
    return int("".join(str(int(sign, 36)) for sign in letters[4:length] + letters[:4])) % 97 == 1


def _is_token(text: str) -> bool:
    """Return True if a text has a run of characters that looks random."""
    return any(_is_random(run) for run in _RUN.findall(text))


def _is_random(run: str) -> bool:
    changes = len(_CHANGE.findall(run))
    if len(run) < SECRET_LENGTH:
        return changes >= 6
    if changes * 5 >= len(run) or (changes > 2 and not _is_word(run)):
        return True
    return any(not (piece.isalpha() and _is_word(piece)) for piece in _UNBROKEN.findall(run))


def _is_word(run: str) -> bool:
    """Return True if a run of at least twenty letters reads like words, by its letter pairs."""
    letters = run.lower()
    pairs = [pair for pair in map("".join, pairwise(letters)) if pair.isalpha()]
    return sum(pair not in _PAIRS for pair in pairs) * 6 <= len(pairs) + 1


_DETECTORS = (
    (re.compile(r"eyJ"), ((":jwt", lambda text: bool(_JWT.search(text))),)),
    (re.compile(r"@|[(\[{]at[)\]}]", re.IGNORECASE), ((":email", _is_email),)),
    (re.compile(r"[@~]"), ((":user", lambda text: bool(_HANDLE.match(text))),)),
    (re.compile(r"%"), ((":token", lambda text: bool(_STILL_ENCODED.search(text))),)),
    (re.compile(r"="), ((":token", lambda text: bool(_ASSIGNED.search(text))),)),
    (re.compile(r"[_-]|A"), ((":token", lambda text: bool(_VENDOR_KEY.search(text))),)),
    (
        re.compile(r"\d"),
        (
            (":uuid", lambda text: bool(_UUID.search(text))),
            (":iban", _is_iban),
            (":hash", lambda text: bool(_HEX.search(text))),
            (":mac", lambda text: bool(_MAC.search(text))),
            (":ip", lambda text: bool(_IP4.search(text))),
            (":card", _is_card),
            (":id", lambda text: bool(_SSN.search(text) or _NINO.search(text))),
            (":phone", _is_phone),
            (":num", _is_number),
        ),
    ),
    (re.compile(r":[^:]{0,4}:"), ((":ip", lambda text: bool(_IP6.search(text))),)),
)

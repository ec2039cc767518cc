"""Serve the tracker script: the same bytes for everyone, whatever the request carries.

Of a request only its method, `If-None-Match` and `Accept-Encoding` are read: a script that
differed by visitor could be cached for others.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

BUILT: Final = Path(__file__).parents[1] / "static" / "footfall.js"
STABLE_PATH: Final = "/js/footfall.js"
HASH_DIGITS: Final = 12

_FOR_AN_HOUR: Final = "public, max-age=3600, must-revalidate"
_FOR_EVER: Final = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Tracker:
    """The built script, ready to be served.

    Attributes:
        body: the script.
        zipped: the script, gzipped.
        etag: weak, as both encodings are the same script.
        versioned_path: a path whose bytes never change.
        integrity: for the snippet's `integrity` attribute (subresource integrity, SHA-384).
    """

    body: bytes
    zipped: bytes
    etag: str
    versioned_path: str
    integrity: str


@cache
def load(path: Path = BUILT) -> Tracker:
    """Read the built script, once per process.

    Raises:
        FileNotFoundError: it has not been built; says how to build it.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path.name} is not built: run `python hatch_build.py`")
    body = path.read_bytes()
    digest = hashlib.sha256(body).hexdigest()[:HASH_DIGITS]
    sri = base64.b64encode(hashlib.sha384(body).digest()).decode()
    return Tracker(
        body=body,
        zipped=gzip.compress(body, 9, mtime=0),
        etag=f'W/"{digest}"',
        versioned_path=f"/js/footfall.{digest}.js",
        integrity=f"sha384-{sri}",
    )


def routes(tracker: Tracker | None = None) -> list[Route]:
    """Return the routes of the tracker: a stable path, and one whose bytes never change.

    Args:
        tracker: what to serve; the built script if not said.

    Raises:
        FileNotFoundError: see `load`.
    """
    served = tracker or load()
    return [
        _route(STABLE_PATH, served, _FOR_AN_HOUR),
        _route(served.versioned_path, served, _FOR_EVER),
    ]


def _route(path: str, tracker: Tracker, kept: str) -> Route:
    async def serve(request: Request) -> Response:
        headers = {
            "Cache-Control": kept,
            "ETag": tracker.etag,
            "Vary": "Accept-Encoding",
            "Access-Control-Allow-Origin": "*",
            "Cross-Origin-Resource-Policy": "cross-origin",
            "X-Content-Type-Options": "nosniff",
        }
        if _is_known(tracker.etag, request.headers.get("if-none-match", "")):
            return Response(status_code=304, headers=headers)
        body = tracker.body
        if _takes_gzip(request.headers.get("accept-encoding", "")):
            body = tracker.zipped
            headers["Content-Encoding"] = "gzip"
        return Response(body, media_type="text/javascript", headers=headers)

    return Route(path, serve, methods=["GET"])


def _is_known(etag: str, known: str) -> bool:
    # Source: RFC 9110 §13.1.2: compared weakly; `*` stands for any.
    tags = {tag.strip().removeprefix("W/") for tag in known.split(",")}
    return "*" in tags or etag.removeprefix("W/") in tags


def _takes_gzip(accepted: str) -> bool:
    # Source: RFC 9110 §12.5.3; a quality of 0 refuses.
    for choice in accepted.lower().split(","):
        coding, _, quality = choice.partition(";")
        if coding.strip() in {"gzip", "*"}:
            return quality.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    return False

"""Stand between Playwright and Firefox: answer the one command that Firefox ESR does not know.

Playwright drives the system's Firefox by WebDriver BiDi, and begins every window by setting media
features. Firefox ESR 153 does not know that command yet, and Playwright takes its answer for a
failure. Here the command is answered with success and left undone; all else passes unchanged.
Started as a browser would be: `python -m tests.browser.bidi_relay firefox-esr ARGUMENT…`.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.sync.connection import Connection
from websockets.sync.server import ServerConnection, serve

UNKNOWN = "emulation.setMediaFeaturesOverride"
_LISTENING = re.compile(r"WebDriver BiDi listening on (ws://\S+)")


def answer_for(message: str) -> str | None:
    """Give the answer to a command that Firefox does not know; None for all others."""
    if f'"{UNKNOWN}"' not in message:
        return None
    asked = json.loads(message)
    if asked["method"] != UNKNOWN:
        return None
    return json.dumps({"type": "success", "id": asked["id"], "result": {}})


def main() -> int:
    """Run the browser, relay while it runs, and end with its code."""
    browser = subprocess.Popen(sys.argv[1:], stderr=subprocess.PIPE, text=True)
    assert browser.stderr is not None
    for line in browser.stderr:
        found = _LISTENING.search(line)
        if found:
            address = _relay(found[1])
            print(f"WebDriver BiDi listening on {address}", file=sys.stderr, flush=True)
        else:
            print(line, end="", file=sys.stderr, flush=True)
    return browser.wait()


def _relay(address: str) -> str:
    def stand_between(playwright: ServerConnection) -> None:
        with connect(f"{address}/session", max_size=None, proxy=None) as firefox:
            back = threading.Thread(target=_pass_on, args=(firefox, playwright), daemon=True)
            back.start()
            for message in playwright:
                answer = answer_for(str(message))
                if answer is None:
                    firefox.send(message)
                else:
                    playwright.send(answer)

    server = serve(stand_between, "127.0.0.1", 0, max_size=None)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"ws://127.0.0.1:{server.socket.getsockname()[1]}"


def _pass_on(source: Connection, target: Connection) -> None:
    try:
        for message in source:
            target.send(message)
    except ConnectionClosed:
        pass
    target.close()


if __name__ == "__main__":
    sys.exit(main())

"""Sites, users and tokens, in one SQLite file.

Safe for several processes: commands write while the service runs, which notices by `changed`.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self

import msgspec

from collector.clock import Clock, SystemClock
from collector.day import day_at
from collector.errors import RegistryError
from collector.registry import accounts, tokens
from collector.registry.accounts import User
from collector.registry.database import RegistryFile
from collector.registry.sites import Site, Sites, checked, checked_domain, is_looser
from collector.registry.tokens import Grant, TokenEntry


class Registry:
    """The sites, users and tokens of one instance; one connection, safe for threads.

    Args:
        path: of the SQLite file; created, with its folder, if missing.
        clock: for the end of sessions and the start of new time zones.

    Raises:
        RegistryError: if the file is not a registry, or of another version.
    """

    def __init__(self, path: Path, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._seen: tuple[int, int] | None = None
        self._file = RegistryFile(path)

    def sites(self) -> Sites:
        """Return all sites as they are now."""
        if self._due_zones():
            with self._file.write():
                self._begin_due_zones()
        rows = self._file.rows("SELECT id, domain, declared FROM sites ORDER BY id")
        return Sites(_site(*row) for row in rows)

    def changed(self) -> bool:
        """Return True if `sites` may have changed since the last call; True at first.

        Any write to the registry counts, by this process or another, and a new time zone that is
        due. Costs microseconds. For one caller only.
        """
        before, self._seen = self._seen, self._file.version()
        return before != self._seen or bool(self._due_zones())

    def add_site(
        self, domain: str, zone: str = "UTC", *, public: bool = False, **more: Any
    ) -> Site:
        """Add a site.

        Args:
            domain: its host name; a leading `www.` is dropped.
            more: other fields of `Site`.

        Raises:
            RegistryError: if the domain exists already or a value is wrong.
        """
        name = checked_domain(domain).removeprefix("www.")
        site = checked(
            _converted({"id": 0, "domain": name, "zone": zone, "public": public, **more})
        )
        with self._file.write(f"{name} exists already"):
            number = self._file.run(
                "INSERT INTO sites (domain, declared) VALUES (?, ?)", (name, _declared(site))
            )
        return msgspec.structs.replace(site, id=number)

    def set_site(self, domain: str, /, **changes: Any) -> Site:
        """Change settings of a site; a new time zone begins when its current day ends.

        Returns:
            The changed site, with the old time zone until then.

        Raises:
            RegistryError: if there is no such site, or a value is wrong.
        """
        with self._file.write():
            self._begin_due_zones()
            site = self._site_named(domain)
            wanted = checked(_converted({**msgspec.structs.asdict(site), **changes}))
            if wanted.domain != site.domain or wanted.id != site.id:
                raise RegistryError("a site's domain and number cannot be changed")
            if site.profile_locked and is_looser(wanted.profile, site.profile):
                raise RegistryError(
                    f"the profile of {site.domain} is locked: {wanted.profile} is looser than "
                    f"{site.profile}; unlock it first, in a command of its own"
                )
            kept = msgspec.structs.replace(wanted, zone=site.zone)
            self._file.run("UPDATE sites SET declared = ? WHERE id = ?", (_declared(kept), site.id))
            if "zone" in changes:
                self._plan_zone(site, wanted.zone)
        return kept

    def remove_site(self, domain: str) -> Site:
        """Delete a site and its tokens; its number is never used again.

        Its cells, secrets and spooled hits remain to be erased: `erasures`.

        Returns:
            The removed site.

        Raises:
            RegistryError: if there is no such site.
        """
        with self._file.write():
            site = self._site_named(domain)
            self._file.run("DELETE FROM sites WHERE id = ?", (site.id,))
            self._file.run(
                "INSERT INTO erasures (site_id, removed_at) VALUES (?, ?)",
                (site.id, int(self._clock.now())),
            )
        self._file.wipe()
        return site

    def erasures(self) -> dict[int, int]:
        """Return the removed sites that remain to be erased.

        Returns:
            The instant of removal, in seconds since 1970, by the site's number.
        """
        return dict(self._file.rows("SELECT site_id, removed_at FROM erasures ORDER BY site_id"))

    def erased(self, site_id: int) -> None:
        """Note that a removed site is completely erased."""
        with self._file.write():
            self._file.run("DELETE FROM erasures WHERE site_id = ?", (site_id,))

    def add_user(self, name: str, password: str) -> User:
        """Add a user.

        Raises:
            RegistryError: if the name exists already, or name or password are malformed.
        """
        name, hashed = accounts.checked_name(name), accounts.hash_password(password)
        with self._file.write(f"{name} exists already"):
            number = self._file.run(
                "INSERT INTO users (name, password) VALUES (?, ?)", (name, hashed)
            )
        return User(id=number, name=name)

    def set_password(self, name: str, password: str) -> None:
        """Change a user's password and end all sessions of the user.

        Raises:
            RegistryError: if there is no such user or the password is malformed.
        """
        hashed = accounts.hash_password(password)
        with self._file.write():
            user = self._user_named(name)
            self._file.run("UPDATE users SET password = ? WHERE id = ?", (hashed, user.id))
            self._file.run("DELETE FROM sessions WHERE user_id = ?", (user.id,))

    def remove_user(self, name: str) -> None:
        """Delete a user and end all sessions of the user.

        Raises:
            RegistryError: if there is no such user.
        """
        with self._file.write():
            user = self._user_named(name)
            self._file.run("DELETE FROM users WHERE id = ?", (user.id,))

    def users(self) -> list[User]:
        """Return all users, by name."""
        rows = self._file.rows("SELECT id, name FROM users ORDER BY name")
        return [User(id=row[0], name=row[1]) for row in rows]

    def check_password(self, name: str, password: str) -> User | None:
        """Return the user with a name and password, if correct; takes about 40 ms either way."""
        rows = self._file.rows("SELECT id, name, password FROM users WHERE name = ?", name.strip())
        if not accounts.password_matches(password, rows[0][2] if rows else None):
            return None
        return User(id=rows[0][0], name=rows[0][1])

    def open_session(self, user: User) -> str:
        """Start a session of 30 days and return its token, which is stored as a hash only."""
        token = accounts.new_session_token()
        now = int(self._clock.now())
        with self._file.write():
            self._file.run("DELETE FROM sessions WHERE ends_at <= ?", (now,))
            self._file.run(
                "INSERT INTO sessions (digest, user_id, ends_at) VALUES (?, ?, ?)",
                (accounts.digest(token), user.id, now + accounts.SESSION_SECONDS),
            )
        return token

    def session_user(self, token: str) -> User | None:
        """Return the user of a session token, unless the session has ended."""
        rows = self._file.rows(
            "SELECT users.id, users.name FROM sessions JOIN users ON users.id = user_id "
            "WHERE digest = ? AND ends_at > ?",
            accounts.digest(token),
            int(self._clock.now()),
        )
        return User(id=rows[0][0], name=rows[0][1]) if rows else None

    def close_session(self, token: str) -> None:
        """End the session of a token, if there is one."""
        with self._file.write():
            self._file.run("DELETE FROM sessions WHERE digest = ?", (accounts.digest(token),))

    def create_token(self, name: str, site_domain: str | None, scopes: Iterable[str]) -> str:
        """Create a token and return it; only its hash is stored.

        Args:
            site_domain: the one site it is for; None: all sites.
            scopes: one or more of `tokens.SCOPES`.

        Raises:
            RegistryError: if the name exists already, or the site or a scope is unknown.
        """
        name, granted = accounts.checked_name(name), tokens.checked_scopes(scopes)
        token = tokens.new_token()
        with self._file.write(f"the token {name} exists already"):
            site = self._site_named(site_domain) if site_domain else None
            self._file.run(
                "INSERT INTO tokens (digest, name, site_id, scopes) VALUES (?, ?, ?, ?)",
                (accounts.digest(token), name, site.id if site else None, " ".join(granted)),
            )
        return token

    def tokens(self) -> list[TokenEntry]:
        """Return all tokens by name, without their secret values."""
        rows = self._file.rows(
            "SELECT name, domain, scopes FROM tokens LEFT JOIN sites ON sites.id = site_id "
            "ORDER BY name"
        )
        return [
            TokenEntry(name=name, site=domain, scopes=tokens.checked_scopes(scopes.split()))
            for name, domain, scopes in rows
        ]

    def revoke_token(self, name: str) -> None:
        """Revoke a token at once.

        Raises:
            RegistryError: if there is no such token.
        """
        with self._file.write():
            if not self._file.rows("SELECT 1 FROM tokens WHERE name = ?", name):
                raise RegistryError(f"there is no token {name}")
            self._file.run("DELETE FROM tokens WHERE name = ?", (name,))

    def token_grant(self, token: str) -> Grant | None:
        """Return what a token allows; None if it is unknown or revoked."""
        rows = self._file.rows(
            "SELECT site_id, scopes FROM tokens WHERE digest = ?", accounts.digest(token)
        )
        if not rows:
            return None
        return Grant(rows[0][0], frozenset(tokens.checked_scopes(rows[0][1].split())))

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Self:
        """Return itself; leaving the context closes it."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def _site_named(self, domain: str) -> Site:
        name = checked_domain(domain).removeprefix("www.")
        rows = self._file.rows("SELECT id, domain, declared FROM sites WHERE domain = ?", name)
        if not rows:
            raise RegistryError(f"there is no site {name}")
        return _site(*rows[0])

    def _user_named(self, name: str) -> User:
        rows = self._file.rows("SELECT id, name FROM users WHERE name = ?", name.strip())
        if not rows:
            raise RegistryError(f"there is no user {name}")
        return User(id=rows[0][0], name=rows[0][1])

    def _plan_zone(self, site: Site, zone: str) -> None:
        begins = None if zone == site.zone else day_at(site.zone, self._clock.now()).closes_at
        self._file.run(
            "UPDATE sites SET next_zone = ?, next_zone_at = ? WHERE id = ?",
            (zone if begins else None, begins, site.id),
        )

    def _due_zones(self) -> list[tuple[Any, ...]]:
        return self._file.rows(
            "SELECT id, domain, declared, next_zone FROM sites WHERE next_zone_at <= ?",
            int(self._clock.now()),
        )

    def _begin_due_zones(self) -> None:
        for row in self._due_zones():
            site = msgspec.structs.replace(_site(*row[:3]), zone=row[3])
            self._file.run(
                "UPDATE sites SET declared = ?, next_zone = NULL, next_zone_at = NULL WHERE id = ?",
                (_declared(site), site.id),
            )


def _site(number: int, domain: str, declared: str) -> Site:
    return msgspec.convert({**msgspec.json.decode(declared), "id": number, "domain": domain}, Site)


def _declared(site: Site) -> str:
    values = msgspec.structs.asdict(site)
    return msgspec.json.encode(
        {key: value for key, value in values.items() if key not in ("id", "domain")}
    ).decode()


def _converted(values: dict[str, Any]) -> Site:
    unknown = set(values) - set(Site.__struct_fields__)
    if unknown:
        raise RegistryError(f"a site has no field {' or '.join(sorted(unknown))}")
    try:
        return msgspec.convert(values, Site)
    except msgspec.ValidationError as wrong:
        raise RegistryError(str(wrong)) from wrong

"""Which models have the repositories of Hugging Face's hub, or of another that speaks as it does?

Two of its answers are read: which repositories an organisation has, and which files one of them has. Both
come in pages, each with the address of the next. A hub is somebody else: how much it says, how large a
page is and where the next one lies is bounded.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from itertools import takewhile
from typing import TYPE_CHECKING, Final, TypeAlias
from urllib.parse import quote, urlencode, urljoin, urlsplit

from cnnscope.analyzer.model.far_places import demand_reader, hub_access
from cnnscope.analyzer.model.http_ranges import demand_fine
from cnnscope.analyzer.model.http_session import Session, open_session
from cnnscope.analyzer.model.path_pattern import ANY_DEPTH, MAGIC, PathPattern
from cnnscope.analyzer.values.diagnostics import ModelFileError
from cnnscope.runtime.fleet.unlisted import FAR_ENDINGS, Found, Unlisted, Wanted, placed

if TYPE_CHECKING:
    import aiohttp

#: pages of one list, and those among them, one behind the other, that may have nothing in them
MOST_PAGES: Final = 10_000
MOST_EMPTY: Final = 10
#: bytes of a page, and seconds that it may take
PAGE: Final = 1 << 24
PATIENCE: Final = 120.0
#: repositories of an organisation
MOST_REPOSITORIES: Final = 100_000
_PLACE: Final = re.compile(
    r"(?:(?P<kind>datasets|spaces|models)/)?(?P<owner>[^/@]+)(?:/(?P<name>[^/@]+)"
    r"(?:@(?P<revision>refs/(?:convert|pr)/[^/]+|[^/]+))?)?(?:/(?P<path>.*))?"
)
_NAME: Final = re.compile(r"[A-Za-z0-9._-]+", re.ASCII)
_NEXT: Final = re.compile(r'<([^<>]*)>\s*;\s*rel="?next"?')
#: a page's rows, and where the next one is
_Page: TypeAlias = tuple[list[object], str | None]


def hub_models(path: str) -> Found:
    """The models that a place on the hub means, as paths there.

    Args:
        path: an organisation, a repository or what is in one, ``*`` in any of these but the first.

    Raises:
        ModelFileError: it can't be listed.
    """
    named = _PLACE.fullmatch(path.rstrip("/"))
    if named is None or "*" in named["owner"]:
        raise ModelFileError("on the hub, name an organisation: hf://ORGANISATION/*")
    demand_reader("hf")
    address, headers = hub_access()
    hub = _Hub(open_session(address, headers), address, named["kind"] or "models")
    name, names = named["name"] or "*", [x for x in (named["path"] or "").split("/") if x]
    if "*" not in path or not names:
        names.append(ANY_DEPTH)
    if name == ANY_DEPTH:
        name, names = "*", [ANY_DEPTH, *names]
    kind = f"{named['kind']}/" if named["kind"] else ""
    revision = named["revision"] or "main"
    repositories = hub.repositories(named["owner"], name) if "*" in name else iter([name])
    for repository in repositories:
        place = f"{kind}{named['owner']}/{repository}"
        if named["revision"]:
            place += f"@{revision}"
        try:
            yield from placed(
                f"{place}/", hub.files(f"{named['owner']}/{repository}", revision, names)
            )
        except ModelFileError as error:
            yield Unlisted(place, str(error))


class _Hub:
    """What a hub is asked.

    Args:
        session: what asks.
        address: the hub's.
        kind: models, datasets or spaces.
    """

    def __init__(self, session: Session, address: str, kind: str) -> None:
        self._session, self._address, self._kind = session, address, kind

    def repositories(self, owner: str, pattern: str) -> list[str]:
        """An organisation's, by name: a hub's own order is by what is liked this week."""
        fits = PathPattern([pattern]).fits
        asked = urlencode({"author": owner, "limit": 1000})
        found: set[str] = set()
        for each in self._rows(f"{self._address}/api/{self._kind}?{asked}"):
            whose, _, name = _text(each, "id").partition("/")
            if whose.lower() != owner.lower() or not _NAME.fullmatch(name):
                raise ModelFileError("the hub names repositories that aren't this organisation's")
            if fits([name]):
                found.add(name)
            if len(found) > MOST_REPOSITORIES:
                raise ModelFileError(
                    f"there are more than {MOST_REPOSITORIES:,} repositories: ask for fewer, hf://{owner}/a*"
                )
        return sorted(found)

    def files(self, repository: str, revision: str, names: list[str]) -> Found:
        """Paths of a repository's files that a pattern means, in the hub's order."""
        wanted = Wanted(names, FAR_ENDINGS)
        literal = list(takewhile(lambda name: not MAGIC & set(name), names[:-1]))
        place = "/".join(
            quote(x, safe="")
            for x in ("api", self._kind, *repository.split("/"), "tree", revision, *literal)
        )
        for each in self._rows(f"{self._address}/{place}?recursive=true"):
            path = _text(each, "path")
            if _text(each, "type") != "file" or not wanted.fits(path):
                continue
            if {"", ".", ".."} & set(path.split("/")):
                raise ModelFileError("the hub names files that no repository can have")
            yield path

    def _rows(self, address: str) -> Iterator[object]:
        """The rows of a list, page by page."""
        seen: set[str] = set()
        empty = 0
        while len(seen) < MOST_PAGES:
            seen.add(address)
            rows, after = self._session.run(self._asked_for(address))
            yield from rows
            if after is None:
                return
            empty = 0 if rows else empty + 1
            address = self._next(address, after)
            if address in seen or empty > MOST_EMPTY:
                raise ModelFileError("the hub's list leads back to itself, or on and on")
        raise ModelFileError(f"the hub's list has more than {MOST_PAGES:,} pages")

    def _next(self, address: str, after: str) -> str:
        """The next page's address: of the same hub, which knows who asks."""
        found = urljoin(address, after)
        here, there = urlsplit(self._address), urlsplit(found)
        if (here.scheme, here.netloc) != (there.scheme, there.netloc):
            raise ModelFileError("the hub's list goes on at another place, which isn't followed")
        return found

    async def _asked_for(self, address: str) -> _Page:
        async with asyncio.timeout(PATIENCE):
            return await self._session.ask(_page, {}, place=address)


async def _page(answer: aiohttp.ClientResponse) -> _Page:
    if answer.headers.get("X-Error-Code") == "EntryNotFound":
        return [], None  # a repository without such a folder
    if answer.status == 429:
        raise ModelFileError(
            "the hub is asked too often (HTTP status 429): try later, or with HF_TOKEN"
        )
    demand_fine(answer.status)
    body = bytearray()
    async for part in answer.content.iter_any():
        body += part
        if len(body) > PAGE:
            raise ModelFileError(f"a page of the hub's list is larger than {PAGE:,} bytes")
    try:
        rows = json.loads(bytes(body))
    except (ValueError, RecursionError):
        rows = None
    if not isinstance(rows, list):
        raise ModelFileError("what the hub answers is no list")
    following = _NEXT.search(answer.headers.get("Link", ""))
    return rows, following[1] if following else None


def _text(row: object, key: str) -> str:
    found = row.get(key) if isinstance(row, dict) else None
    if not isinstance(found, str):
        raise ModelFileError("what the hub answers is no list of its own")
    return found

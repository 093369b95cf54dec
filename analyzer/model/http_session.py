"""Who asks a web server, how often, and where may it send us?

The session, its loop and its settings are those of fsspec's file system for HTTP. A failing server is asked
again, a few times; from https nothing leads to another scheme.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import quote, urljoin, urlsplit

from cnnscope.analyzer.model.far_faults import told
from cnnscope.analyzer.values.diagnostics import ModelFileError

if TYPE_CHECKING:
    import aiohttp
    from fsspec.implementations.http import HTTPFileSystem

#: how often something is asked for, and seconds before it is asked for again, doubled each time
TRIES: Final = 4
PAUSE: Final = 0.25
#: seconds that a server may ask to be left alone
LONGEST: Final = 20.0
#: from one place to the next
REDIRECTS: Final = 5
#: seconds without a byte, and bytes a second that what comes at all has to come with in the end
PATIENCE: Final = 60.0
SLOWEST: Final = 1 << 13
_AGAIN: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
Answer = TypeVar("Answer")


class Session:
    """Requests for one object.

    Args:
        system: fsspec's.
        place: the object's address.
        headers: what goes with each request.
    """

    def __init__(self, system: HTTPFileSystem, place: str, headers: Mapping[str, str]) -> None:
        self.system, self.place, self.headers = system, place, headers
        self._kept: aiohttp.ClientResponse | None = None

    def run(self, doing: Coroutine[Any, Any, Answer]) -> Answer:
        """What a coroutine makes, on the file system's loop.

        Raises:
            ModelFileError: whatever went wrong.
        """
        from fsspec.asyn import sync

        async def done() -> Answer:
            return await doing

        try:
            return sync(self.system.loop, done)  # type: ignore[no-any-return]
        except Exception as error:  # noqa: BLE001  # of sockets, of certificates, of the loop
            raise told(error, self.place) from None

    async def ask(
        self,
        taken: Callable[[aiohttp.ClientResponse], Awaitable[Answer]],
        headers: Mapping[str, str],
        *,
        method: str = "GET",
        place: str | None = None,
    ) -> Answer:
        """What is made of an answer; asked again where the server, or the way to it, fails.

        Args:
            taken: makes it.
            headers: of this request.
            method: HTTP's.
            place: another address than the object's.
        """
        import aiohttp

        for tries in range(1, TRIES + 1):
            pause = PAUSE * 2 ** (tries - 1)
            try:
                answer = await self._sent(method, place or self.place, headers)
                try:
                    if answer.status not in _AGAIN or tries == TRIES:
                        return await taken(answer)
                    pause = max(pause, _asked_for(answer.headers.get("Retry-After", "")))
                finally:
                    if answer is not self._kept:
                        answer.release()
            except TimeoutError:
                raise
            except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, ConnectionError):
                if tries == TRIES:
                    raise
            await asyncio.sleep(pause)
        raise AssertionError

    async def kept(self, answer: aiohttp.ClientResponse) -> aiohttp.ClientResponse:
        """An answer that stays open: what follows of it is read later."""
        self._kept = answer
        return answer

    async def _sent(
        self, method: str, place: str, headers: Mapping[str, str]
    ) -> aiohttp.ClientResponse:
        import aiohttp

        options = dict(self.system.kwargs)
        own = options.pop("headers", None) or {}
        if "timeout" in options or "timeout" not in self.system.client_kwargs:
            options["timeout"] = _waiting(options.get("timeout", PATIENCE))
        session = await self.system.set_session()
        try:
            answer: aiohttp.ClientResponse = await session.request(
                method, self.system.encode_url(place), max_redirects=REDIRECTS,
                headers={**own, "Accept-Encoding": "identity", **self.headers, **headers}, **options,
            )  # fmt: skip
        except aiohttp.TooManyRedirects:
            raise ModelFileError(f"it leads on and on: more than {REDIRECTS} redirects") from None
        except aiohttp.InvalidURL:
            raise ModelFileError("this is no web address") from None
        return answer

    def size_beside(self, name: str) -> int | None:
        """How long a file beside the object is; -1: there is none; None: it isn't known."""
        if "?" in self.place or "#" in self.place:
            return None  # a signature is of one address
        beside = f"{self.place.rpartition('/')[0]}/{quote(name)}"

        async def size(answer: aiohttp.ClientResponse) -> int | None:
            if answer.status in (404, 410):
                return -1
            return answer.content_length if answer.status == 200 else None

        try:
            return self.run(self.ask(size, {}, method="HEAD", place=beside))
        except ModelFileError:
            return None


class Pace:
    """Whether what comes little by little comes fast enough to be waited for."""

    def __init__(self) -> None:
        self._began, self._got = time.monotonic(), 0

    def came(self, length: int) -> None:
        """Raises:
        TimeoutError: it doesn't.
        """
        self._got += length
        if time.monotonic() - self._began > PATIENCE + self._got / SLOWEST:
            raise TimeoutError


def open_session(place: str, headers: Mapping[str, str]) -> Session:
    """What asks for an object.

    Args:
        place: its address, http or https.
        headers: what goes with each request.
    """
    import fsspec

    scheme = place.partition("://")[0].lower()
    return Session(fsspec.filesystem(scheme, get_client=_client), place, headers)


async def _client(**settings: Any) -> aiohttp.ClientSession:
    """As fsspec's own, but for where it may be sent."""
    import aiohttp

    if "timeout" in settings:
        settings["timeout"] = _waiting(settings["timeout"])
    watched = aiohttp.TraceConfig()
    watched.on_request_redirect.append(_sent_on)
    settings["trace_configs"] = [*(settings.get("trace_configs") or ()), watched]
    return aiohttp.ClientSession(**settings)


def _waiting(said: float | aiohttp.ClientTimeout) -> aiohttp.ClientTimeout:
    """What is waited for: a number, as fsspec's configuration has it, is seconds without a byte."""
    import aiohttp

    if isinstance(said, aiohttp.ClientTimeout):
        return said
    return aiohttp.ClientTimeout(None, sock_connect=said, sock_read=said)


async def _sent_on(
    session: object, context: object, said: aiohttp.TraceRequestRedirectParams
) -> None:
    """Raises:
    ModelFileError: a redirect leads to another scheme; from http to https is fine.
    """
    location = said.response.headers.get("Location") or said.response.headers.get("URI") or ""
    scheme = urlsplit(urljoin(str(said.url), location)).scheme.lower()
    if scheme not in ("https", said.url.scheme):
        raise ModelFileError(
            f"the server sends on from {said.url.scheme}:// to {scheme[:20]}://, which isn't followed"
        )


def _asked_for(text: str) -> float:
    """Seconds that a server asks to be left alone, within reason."""
    return min(float(text), LONGEST) if text.isascii() and text.isdecimal() else 0.0

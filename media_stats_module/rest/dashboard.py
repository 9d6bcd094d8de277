"""The dashboard: a web page over the API, with its scripts and styles.

These files are the same for everybody and hold no data, so they need no token. The page
asks the API for all data, with the token of the admin who signs in.
"""

import base64
import gzip
import hashlib
import logging
import re
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

from synapse.module_api import (
    DirectServeJsonResource,
    JsonDict,
    ModuleApi,
    SynapseRequest,
)
from twisted.internet.defer import CancelledError
from twisted.web import http
from twisted.web.resource import Resource

from media_stats_module.rest._base import Directory, NothingBelow
from media_stats_module.synapse_internals import cancellable, issuer_metadata

logger = logging.getLogger(__name__)

_FOLDER = Path(__file__).parent.parent / "dashboard"
_INDEX = "index.html"

# Files with other suffixes are not served.
_CONTENT_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}

# Scripts, styles and data come from this server only. Inline scripts do not run, text
# cannot become markup, and no other page can frame this one.
_CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src {}",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)

# The page asks these endpoints of the issuer, if Synapse does not issue tokens itself.
_ISSUER_ENDPOINTS = ("registration_endpoint", "token_endpoint", "revocation_endpoint")
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+")

_HEADERS = {
    "Content-Security-Policy": _CONTENT_SECURITY_POLICY.format("'self'"),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex",
    # Browsers may keep a file, but must ask each time: an upgrade changes all files.
    "Cache-Control": "no-cache",
    "Vary": "Accept-Encoding",
}


class DashboardDirectory(Directory):
    """The module's path: the page, its files, and the endpoints.

    The page's links are relative, so it works behind any reverse proxy. They need the
    slash at the end of the path, so a request without it is redirected.
    """

    def __init__(self, api: ModuleApi, endpoints: dict[bytes, Resource]) -> None:
        """
        Args:
            api: Synapse's module API.
            endpoints: the other resources below the module's path, by path segment.
        """
        files = _read(_FOLDER)
        page = DashboardPage(api, (_FOLDER / _INDEX).read_bytes())
        super().__init__(files | {b"": page, _INDEX.encode(): page} | endpoints)

    async def _async_render(self, request: SynapseRequest) -> tuple[int, JsonDict]:
        if request.method not in (b"GET", b"HEAD"):
            return await super()._async_render(request)
        assert request.prepath
        location = request.prepath[-1] + b"/"
        request.responseHeaders.setRawHeaders(b"Location", [location])
        return HTTPStatus.FOUND, {}


class DashboardFile(NothingBelow):
    """One file, read once."""

    def __init__(self, content: bytes, content_type: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._headers = _HEADERS | {"Content-Type": content_type}
        self._plain = content
        self._plain_etag = _etag(content)
        # Most of Synapse's listeners do not compress. `mtime=0` gives the same bytes,
        # and so the same ETag, in every process.
        self._gzipped = gzip.compress(content, mtime=0)
        self._gzipped_etag = _etag(self._gzipped)

    def render(self, request: SynapseRequest) -> int | bytes:
        if request.method in (b"GET", b"HEAD"):
            return self.render_GET(request)
        # Refuses all other methods, as Synapse does.
        return DirectServeJsonResource().render(request)

    def render_GET(self, request: SynapseRequest) -> bytes:  # noqa: N802
        return self.prepare(request)

    def prepare(self, request: SynapseRequest) -> bytes:
        """Set the headers of an answer, and return its body."""
        headers = request.responseHeaders
        for name, value in self._headers.items():
            headers.setRawHeaders(name, [value])
        content, etag = self._plain, self._plain_etag
        if _accepts_gzip(request):
            headers.setRawHeaders("Content-Encoding", ["gzip"])
            content, etag = self._gzipped, self._gzipped_etag
        cached = request.setETag(etag)  # type: ignore[no-untyped-call]
        return b"" if cached is http.CACHED else content


class DashboardPage(NothingBelow, DirectServeJsonResource):
    """The page itself. It may ask one other server: the issuer that Synapse names.

    With delegated authentication, people sign in there by OAuth 2.0.
    """

    def __init__(self, api: ModuleApi, content: bytes) -> None:
        super().__init__()
        self._api = api
        self._file = DashboardFile(content, _CONTENT_TYPES[".html"])

    @cancellable
    async def _async_render_GET(self, request: SynapseRequest) -> None:  # noqa: N802
        sources = ["'self'", *await self._issuer_origins()]
        body = self._file.prepare(request)
        headers = request.responseHeaders
        headers.setRawHeaders(
            "Content-Security-Policy",
            [_CONTENT_SECURITY_POLICY.format(" ".join(sources))],
        )
        if request.code != HTTPStatus.NOT_MODIFIED:
            headers.setRawHeaders("Content-Length", [str(len(body))])
        # Twisted leaves the body out of an answer to HEAD.
        request.write(body)  # type: ignore[no-untyped-call]
        request.finish()

    async def _issuer_origins(self) -> list[str]:
        try:
            metadata = await issuer_metadata(self._api)
        except CancelledError:
            raise
        except Exception as error:
            # Signing in with a token works without it.
            logger.info("The issuer of access tokens does not answer: %r", error)
            return []
        urls = [str(metadata.get(name, "")) for name in _ISSUER_ENDPOINTS]
        origins = {f"{url.scheme}://{url.netloc}" for url in map(urlsplit, urls)}
        return sorted(origin for origin in origins if _ORIGIN.fullmatch(origin))


def _read(folder: Path) -> dict[bytes, Resource]:
    """The resources for the files in a folder, by name."""
    found: dict[bytes, Resource] = {}
    for entry in folder.iterdir():
        if entry.is_dir():
            found[entry.name.encode()] = Directory(_read(entry))
            continue
        if entry.suffix in _CONTENT_TYPES:
            found[entry.name.encode()] = DashboardFile(
                entry.read_bytes(), _CONTENT_TYPES[entry.suffix]
            )
    return found


def _accepts_gzip(request: SynapseRequest) -> bool:
    accepted = request.getHeader("Accept-Encoding") or ""
    # "gzip;q=0" forbids it, and does not match here.
    return "gzip" in [encoding.strip().lower() for encoding in accepted.split(",")]


def _etag(content: bytes) -> bytes:
    digest = hashlib.sha256(content).digest()[:12]
    return b'"' + base64.urlsafe_b64encode(digest) + b'"'

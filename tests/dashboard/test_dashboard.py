"""The dashboard's files: names, headers and content.

The other tests in this folder test the page in a browser.
"""

import gzip
import hashlib
import re
from pathlib import Path
from typing import ClassVar

import pytest
from support import MODULE_PATH, MediaStatsTestCase
from tests.server import FakeChannel
from twisted.web.http_headers import Headers

import media_stats_module

pytestmark = [pytest.mark.once, pytest.mark.any_database]

_FOLDER = Path(media_stats_module.__file__).parent / "dashboard"
_FILES = {
    str(path.relative_to(_FOLDER)): path.read_bytes()
    for path in _FOLDER.rglob("*")
    if path.is_file()
}
_OWN_SCRIPTS = sorted(name for name in _FILES if name.startswith("js/"))

_TYPES = {
    "css": "text/css; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "txt": "text/plain; charset=utf-8",
}

# As in npm's uplot 1.6.32.
_VENDORED = {
    "vendor/uplot/LICENSE.txt": (
        "8f989229699b4fe2f1a0432d0e9edc338a8a911e250e2d1b01ecd770a5f5b1bd"
    ),
    "vendor/uplot/uPlot.iife.min.js": (
        "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f"
    ),
    "vendor/uplot/uPlot.min.css": (
        "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04"
    ),
}


class DashboardTestCase(MediaStatsTestCase):
    """Asks for the page's files, without a token."""

    shares_homeserver: ClassVar[bool] = True

    def get(
        self,
        path: str,
        headers: list[tuple[str, str]] | None = None,
        *,
        method: str = "GET",
    ) -> FakeChannel:
        return self.make_request(method, path, custom_headers=headers, shorthand=False)


class FilesTestCase(DashboardTestCase):
    """Every file, and its headers."""

    def test_every_file(self) -> None:
        assert set(_VENDORED) | {"index.html", "style.css", "js/main.js"} <= set(_FILES)
        for name, content in _FILES.items():
            channel = self.get(f"{MODULE_PATH}/{name}")

            assert channel.code == 200, name
            assert channel.result["body"] == content
            assert _header(channel, "Content-Type") == _TYPES[name.rpartition(".")[2]]

    def test_page(self) -> None:
        channel = self.get(f"{MODULE_PATH}/")

        assert channel.code == 200
        assert channel.result["body"] == _FILES["index.html"]
        assert _header(channel, "Content-Type") == _TYPES["html"]

    def test_a_token_makes_no_difference(self) -> None:
        _, ordinary_token = self.make_user("somebody")
        for token in (self.admin_token, ordinary_token, "unknown"):
            assert self.ask(f"{MODULE_PATH}/", token=token).code == 200

    def test_headers(self) -> None:
        for name in ("", *_FILES):
            channel = self.get(f"{MODULE_PATH}/{name}")

            assert _header(channel, "X-Content-Type-Options") == "nosniff"
            assert _header(channel, "X-Frame-Options") == "DENY"
            assert _header(channel, "Referrer-Policy") == "no-referrer"
            assert _header(channel, "Cross-Origin-Opener-Policy") == "same-origin"
            assert _header(channel, "Cross-Origin-Resource-Policy") == "same-origin"
            assert _header(channel, "Cache-Control") == "no-cache"
            assert _header(channel, "Access-Control-Allow-Origin") is None

    def test_content_security_policy(self) -> None:
        for name in ("", *_FILES):
            policy = _header(
                self.get(f"{MODULE_PATH}/{name}"), "Content-Security-Policy"
            )
            assert policy is not None
            directives = dict(
                directive.strip().split(" ", 1) for directive in policy.split(";")
            )
            assert directives == {
                "default-src": "'none'",
                "script-src": "'self'",
                "style-src": "'self'",
                "img-src": "'self'",
                "connect-src": "'self'",
                "base-uri": "'none'",
                "form-action": "'none'",
                "frame-ancestors": "'none'",
                "require-trusted-types-for": "'script'",
                "trusted-types": "'none'",
            }

    def test_compressed(self) -> None:
        for name, content in _FILES.items():
            path = f"{MODULE_PATH}/{name}"
            for accepted in ("gzip", "deflate, gzip, br", "GZIP"):
                channel = self.get(path, [("Accept-Encoding", accepted)])
                assert _header(channel, "Content-Encoding") == "gzip"
                assert gzip.decompress(channel.result["body"]) == content
            for accepted in ("", "br", "gzip;q=0", "xgzip"):
                channel = self.get(path, [("Accept-Encoding", accepted)])
                assert _header(channel, "Content-Encoding") is None
                assert channel.result["body"] == content
            assert _header(channel, "Vary") == "Accept-Encoding"

    def test_asked_about_again(self) -> None:
        etags = set()
        for name in _FILES:
            path = f"{MODULE_PATH}/{name}"
            for encoding in (("Accept-Encoding", "gzip"), ("Accept-Encoding", "br")):
                etag = _header(self.get(path, [encoding]), "ETag")
                assert etag is not None
                etags.add(etag)

                channel = self.get(path, [encoding, ("If-None-Match", etag)])
                assert channel.code == 304
                assert not channel.result.get("body")
                channel = self.get(path, [encoding, ("If-None-Match", '"other"')])
                assert channel.code == 200

        # No ETag is shared by two contents, or by two encodings of one.
        assert len(etags) == 2 * len(set(_FILES.values()))

    def test_head(self) -> None:
        for name in ("", *_FILES):
            get = self.get(f"{MODULE_PATH}/{name}")
            head = self.get(f"{MODULE_PATH}/{name}", method="HEAD")

            assert head.code == 200
            assert not head.result.get("body")
            for header in ("Content-Type", "Content-Length", "ETag"):
                assert _header(head, header) == _header(get, header)

    def test_other_methods(self) -> None:
        for method in ("POST", "PUT", "DELETE"):
            channel = self.get(f"{MODULE_PATH}/", method=method)
            # The version of Synapse decides.
            assert channel.code in (404, 405)
            assert channel.json_body["errcode"] == "M_UNRECOGNIZED"


class PathsTestCase(DashboardTestCase):
    """Paths that lead to the page, and paths that do not."""

    def test_redirects_to_the_slash(self) -> None:
        for method in ("GET", "HEAD"):
            for query in ("", "?token=secret"):
                channel = self.get(MODULE_PATH + query, method=method)
                assert channel.code == 302
                # Relative, so a reverse proxy's path stays; without a query.
                assert _header(channel, "Location") == "media_stats/"

    def test_redirects_nothing_else(self) -> None:
        assert self.get(MODULE_PATH, method="POST").code == 404
        assert self.get(f"{MODULE_PATH}//").code == 404

    def test_leads_nowhere(self) -> None:
        for path in (
            "js",
            "js/",
            "vendor/",
            "vendor/uplot/",
            "index.html/",
            "js/main.js/",
            "js//main.js",
            "js/a/main.js",
            "js/a/b/main.js",
            "a/index.html",
            "/index.html",
            "vendor/uplot/a/LICENSE.txt",
            "js/main.js/main.js",
            "js/nothing.js",
            "main.js",
            "LICENSE",
            "../module.py",
            "js/../index.html",
            "js/..%2findex.html",
            "%2e%2e/module.py",
            "..%2fmodule.py",
            "js%2fmain.js",
            "%2fetc%2fpasswd",
            "/etc/passwd",
            "index.html%00",
            "INDEX.HTML",
        ):
            channel = self.get(f"{MODULE_PATH}/{path}")
            assert channel.code == 404, path
            assert channel.json_body["errcode"] == "M_UNRECOGNIZED"


class SwitchedOffTestCase(DashboardTestCase):
    """Without the dashboard, there is only the API."""

    module_options = {"dashboard": False}  # noqa: RUF012

    def test_paths(self) -> None:
        for path in ("", "/", "/index.html", "/js/main.js", "/v1/"):
            channel = self.get(MODULE_PATH + path)
            assert channel.code == 404, path
            assert channel.json_body["errcode"] == "M_UNRECOGNIZED"
        assert self.ask_module().code == 200


class OwnPathTestCase(DashboardTestCase):
    """The page is at the option `path`."""

    module_options = {"path": "/_synapse/client/of/our.own"}  # noqa: RUF012

    def test_page(self) -> None:
        assert self.get("/_synapse/client/of/our.own/").code == 200
        assert self.get("/_synapse/client/of/our.own/js/main.js").code == 200
        channel = self.get("/_synapse/client/of/our.own")
        assert (channel.code, _header(channel, "Location")) == (302, "our.own/")
        assert self.get(f"{MODULE_PATH}/").code == 404


# The content of the files


def test_chart_library_is_what_npm_has() -> None:
    assert {
        name: hashlib.sha256(content).hexdigest()
        for name, content in _FILES.items()
        if name.startswith("vendor/")
    } == _VENDORED


def test_page_loads_only_what_is_beside_it() -> None:
    page = _FILES["index.html"].decode()
    links = set(re.findall(r'(?:src|href)="([^"]*)"', page))

    assert links <= set(_FILES)
    # All at once, not each when the one before has come.
    assert set(_OWN_SCRIPTS) <= links


def test_page_is_light() -> None:
    """Adds up the bytes that a browser loads."""
    sent = [
        len(gzip.compress(content, mtime=0))
        for name, content in _FILES.items()
        if not name.endswith(".txt")
    ]
    assert sum(sent) <= 160_000


def test_page_has_nothing_inline() -> None:
    page = _FILES["index.html"].decode()

    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", page)
    assert all(
        script.endswith("></script>") for script in re.findall("<script.*", page)
    )


def test_scripts_import_only_what_is_beside_them() -> None:
    for name in _OWN_SCRIPTS:
        for imported in re.findall(r'\bfrom "([^"]*)"', _FILES[name].decode()):
            assert imported.startswith("./"), name
            assert "js/" + imported[2:] in _FILES, name


def test_scripts_make_no_markup_of_text() -> None:
    for name in _OWN_SCRIPTS:
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|DOMParser|document\.write"
            r"|\beval\b|new Function|https?://",
            _FILES[name].decode(),
        ), name


def _header(channel: FakeChannel, name: str) -> str | None:
    # Not `channel.headers`, which older harnesses lack with a newer Twisted.
    headers = channel.result["headers"]
    pairs = (
        [(key, value) for key, values in headers.getAllRawHeaders() for value in values]
        if isinstance(headers, Headers)
        else headers
    )
    values = [
        value.decode() for key, value in pairs if key.lower() == name.lower().encode()
    ]
    assert len(values) <= 1
    return values[0] if values else None

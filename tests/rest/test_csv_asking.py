"""Requests for CSV, by parameter and by header, and the headers of the answer."""

import re
from typing import ClassVar

import pytest
from parameterized import parameterized  # type: ignore[import-untyped]
from support import MODULE_PATH, MediaStatsTestCase, RemoteMedia, headers
from tests.server import FakeChannel

pytestmark = pytest.mark.any_database


class AskingTest(MediaStatsTestCase):
    """Both ways to ask for CSV, and the headers of the answer."""

    shares_homeserver: ClassVar[bool] = True

    path: ClassVar[str] = f"{MODULE_PATH}/v1/servers"

    def accepting(self, *accept: str | bytes, query: str = "") -> FakeChannel:
        """Ask with one or more headers `Accept`."""
        return self.make_request(
            "GET",
            f"{self.path}?{query}",
            access_token=self.admin_token,
            custom_headers=[("Accept", value) for value in accept],
        )

    def content_type(self, channel: FakeChannel) -> str:
        (value,) = headers(channel).getRawHeaders("Content-Type") or [""]
        return str(value).partition(";")[0]

    def test_headers(self) -> None:
        self.insert_remote_media(RemoteMedia(media_origin="a.example"))
        channel = self.ask(self.path, {"format": "csv"})
        sent = headers(channel)
        assert {
            name: sent.getRawHeaders(name)
            for name in (
                "Content-Type",
                "Content-Disposition",
                "Content-Length",
                "Cache-Control",
                "X-Content-Type-Options",
                "Access-Control-Allow-Origin",
            )
        } == {
            "Content-Type": ["text/csv; charset=utf-8; header=present"],
            "Content-Disposition": ['attachment; filename="servers.csv"'],
            "Content-Length": [str(len(channel.result["body"]))],
            "Cache-Control": ["no-cache, no-store, must-revalidate"],
            "X-Content-Type-Options": ["nosniff"],
            "Access-Control-Allow-Origin": ["*"],
        }

    @parameterized.expand(  # type: ignore[untyped-decorator]
        [
            ("text/csv", "text/csv"),
            ("TEXT/CSV;q=0.5", "text/csv"),
            ("text/csv, application/json;q=0.9", "text/csv"),
            ("text/csv;header=present, */*;q=0.1", "text/csv"),
            ("text/csv;q=0.8, application/json", "application/json"),
            ("text/csv, application/json", "application/json"),
            ("text/csv;q=0", "application/json"),
            ("text/csv;q=nan", "application/json"),
            ("text/csv\t;\tq=0.5\t,\tapplication/json\t;q=0.4", "text/csv"),
            ("*/*", "application/json"),
            ("application/*", "application/json"),
            ("text/*", "text/csv"),
            ("text/*;q=0", "application/json"),
            ("*/*, text/csv;q=0.1", "application/json"),
            ("text/csv;q=0.5, */*", "application/json"),
            ("text/csv;q=0.5, application/*", "application/json"),
            ("text/csv, */*", "application/json"),
            ("text/csv, */*;q=0.9", "text/csv"),
            ("text/*, */*;q=0.9", "text/csv"),
            ("text/*, application/json;q=0.9", "text/csv"),
            ("text/*, text/csv;q=0.1, application/json;q=0.5", "application/json"),
            ("text/*;q=0.1, text/csv, application/json;q=0.5", "text/csv"),
            ("*/*, application/json;q=0", "text/csv"),
            ("*/*, application/*;q=0.2", "text/csv"),
            ("text/html, */*;q=0.8", "application/json"),
            ("text/csv;header=absent, application/json;q=0.5", "application/json"),
            ("text/csv;q=0.1, text/csv;charset=utf-8, */*;q=0.5", "text/csv"),
            (
                "text/csv, text/csv;charset=utf-8;q=0.1, application/json;q=0.5",
                "application/json",
            ),
            ('text/csv;charset="UTF-8";q=1.000;x="a,b", */*;q=0.5', "text/csv"),
            ('text/html;x="text/csv", application/json;q=0.1', "application/json"),
            ("text/csv;q=2, application/json;q=0.1", "application/json"),
            ("*;q=0.9, text/csv;q=0.1", "text/csv"),
            ("", "application/json"),
            (";,;q=,=;text/csv", "application/json"),
            (b"\xff\xfe", "application/json"),
        ]
    )
    def test_accept(self, accept: str | bytes, content_type: str) -> None:
        channel = self.accepting(accept)
        assert (channel.code, self.content_type(channel)) == (200, content_type)

    def test_accept_is_sent_twice(self) -> None:
        """Two headers count like one with a comma between them."""
        for first, second, content_type in (
            ("application/json", "text/csv", "application/json"),
            ("application/json;q=0.5", "text/csv", "text/csv"),
            ("text/csv", "application/json;q=0.5", "text/csv"),
            ("text/csv;q=0.5", "application/json", "application/json"),
            ("text/html", "text/csv", "text/csv"),
        ):
            channel = self.accepting(first, second)
            assert self.content_type(channel) == content_type, (first, second)

    def test_the_parameter_decides(self) -> None:
        channel = self.accepting("text/csv", query="format=json")
        assert self.content_type(channel) == "application/json"
        channel = self.accepting("application/json", query="format=csv")
        assert self.content_type(channel) == "text/csv"

    def test_errors_are_json(self) -> None:
        channel = self.accepting("text/csv", query=f"limit={2**63}")
        assert (channel.code, self.content_type(channel)) == (400, "application/json")
        assert channel.json_body == {
            "errcode": "M_INVALID_PARAM",
            "error": "Query parameter limit must be an integer from 0 to "
            "9223372036854775807.",
        }
        channel = self.accepting("text/csv", query="format=xml")
        assert (channel.code, self.content_type(channel)) == (400, "application/json")
        assert channel.json_body["errcode"] == "M_INVALID_PARAM"
        assert re.search("format.*json.*csv", channel.json_body["error"])

    def test_not_a_list(self) -> None:
        """A summary is no list, and always JSON."""
        summary = f"{MODULE_PATH}/v1/summary"
        channel = self.ask(summary, {"format": "csv"})
        assert (channel.code, self.content_type(channel)) == (400, "application/json")
        assert channel.json_body["errcode"] == "M_INVALID_PARAM"
        assert re.search("format.*json", channel.json_body["error"])
        channel = self.make_request(
            "GET",
            f"{summary}?format=json",
            access_token=self.admin_token,
            custom_headers=[("Accept", "text/csv")],
        )
        assert (channel.code, self.content_type(channel)) == (200, "application/json")

    def test_admins_only(self) -> None:
        _, token = self.make_user("ordinary")
        for query in ({"format": "csv"}, {"format": "xml"}):
            assert self.ask(self.path, query, token="").code == 401
            channel = self.ask(self.path, query, token=token)
            assert channel.code == 403
            assert channel.json_body["errcode"] == "M_FORBIDDEN"

    def test_the_documented_endpoint_answers_json(self) -> None:
        """As in Synapse, `Accept` does not matter. The parameter can ask for CSV."""
        for query, content_type in (
            ("", "application/json"),
            ("format=json", "application/json"),
            ("format=xml", "application/json"),
            ("format=csv", "text/csv"),
        ):
            channel = self.make_request(
                "GET",
                f"{MODULE_PATH}/v1/users?{query}",
                access_token=self.admin_token,
                custom_headers=[("Accept", "text/csv")],
            )
            assert channel.code == 200
            assert self.content_type(channel) == content_type, query

    def test_head(self) -> None:
        channel = self.make_request(
            "HEAD", f"{self.path}?format=csv", access_token=self.admin_token
        )
        assert channel.code == 200
        assert channel.result.get("body", b"") == b""
        body = self.ask(self.path, {"format": "csv"}).result["body"]
        assert headers(channel).getRawHeaders("Content-Length") == [str(len(body))]

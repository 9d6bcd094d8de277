"""Parameters of `/v1/users` and `/v1/servers`: refused and accepted values."""

import json
from urllib.parse import quote, quote_from_bytes

from hypothesis import given
from hypothesis import strategies as st
from owners_support import LARGEST_INTEGER, OwnersTestCase, for_both_endpoints, header
from synapse.module_api import JsonDict

_INTEGERS = ("from", "limit", "from_ts", "until_ts")


@for_both_endpoints
class ParametersTestCase(OwnersTestCase):
    """Wrong values are refused, in Synapse's words."""

    def setUp(self) -> None:
        super().setUp()
        self.fill(self.file("a"), self.file("b"), self.file("b"))

    def test_integers(self) -> None:
        not_integers = ("", "many", "1.5", "1e3", "0x10", "1 2", "\u0661", "NaN", "%")
        negative = (-1, -LARGEST_INTEGER - 1, -(10**30))
        past_64_bits = (LARGEST_INTEGER + 1, 2**64, 10**30, 10**4000)
        of_more_digits_than_python_reads = ("9" * 10_000,)
        for value in (
            *not_integers,
            *negative,
            *past_64_bits,
            *of_more_digits_than_python_reads,
        ):
            for name in _INTEGERS:
                self.assert_refused(self.request({name: value}), name)

    def test_end_before_start(self) -> None:
        for from_ts, until_ts in ((5, 5), (6, 5), (LARGEST_INTEGER, 1), (0, 0)):
            channel = self.request({"from_ts": from_ts, "until_ts": until_ts})
            self.assert_refused(
                channel, "Query parameter until_ts must be greater than from_ts."
            )
        self.assert_refused(self.request({"until_ts": 0}), "until_ts")

    def test_order_by_and_dir(self) -> None:
        other_owner = {"users": "server_name", "servers": "user_id"}[self.endpoint]
        for value in ("", "size", "MEDIA_COUNT", "media_count ", other_owner):
            self.assert_refused(self.request({"order_by": value}), "order_by")
        channel = self.request({"order_by": "size"})
        for order in self.orders:
            assert order in channel.json_body["error"]

        for value in ("", "up", "F", "B", "forwards", "fb"):
            self.assert_refused(self.request({"dir": value}), "dir")

        for name in ("order_by", "dir"):
            channel = self.request({name: "\u00fc"})
            # Synapse's name for it on other endpoints.
            self.assert_refused(channel, name, "ascii", errcode="M_UNKNOWN")

    def test_search_term(self) -> None:
        self.assert_refused(
            self.request({"search_term": ""}),
            "Query parameter search_term cannot be an empty string.",
        )

        for value in ("\0", "a\0", "\0a", "a\0b"):
            self.assert_refused(self.request({"search_term": value}), "search_term")

        # Not UTF-8.
        for encoded in (b"%FF", b"a%C3", b"%C0%80", b"%ED%A0%80", b"%F4%90%80%80"):
            channel = self.request_raw(b"search_term=" + encoded)
            # Synapse's name for it on other endpoints.
            self.assert_refused(channel, "search_term", "utf-8", errcode="M_UNKNOWN")

        # Longer than any name can be, up to the longest path that Synapse reads.
        for character in "ak_%*[\\\U0001e921\u03c3":
            for length in (512, 513, 16_000 // len(quote(character))):
                assert self.listed({"search_term": character * length}) == []

    def test_empty_unknown_and_repeated(self) -> None:
        for name in (*_INTEGERS, "order_by", "dir", "search_term"):
            self.assert_refused(self.request_raw(name.encode() + b"="), name)
            # Twisted ignores a name without an equals sign.
            assert self.request_raw(name.encode()).code == 200

        for query in (
            # Published clients send this one.
            {"orderby": "media_count"},
            {"LIMIT": 1},
            {"next_token": 1},
            {"\u00fc": "\0", "": "x", "limit[]": "-1"},
        ):
            assert self.answer(query) == self.answer()

        # As everywhere in Synapse, the first value counts.
        assert self.request_raw(b"limit=1&limit=many&limit=2").json_body == self.answer(
            {"limit": 1}
        )
        self.assert_refused(self.request_raw(b"limit=many&limit=1"), "limit")
        assert self.request_raw(
            b"search_term=a&search_term=b"
        ).json_body == self.answer({"search_term": "a"})

    def test_wrong_parameters_are_named_one_by_one(self) -> None:
        """A request has one error, the first in the order of the documentation."""
        wrong = {
            "order_by": "x",
            "from": "x",
            "limit": "x",
            "from_ts": "x",
            "until_ts": "x",
            "search_term": "",
            "dir": "x",
        }
        while wrong:
            first = next(iter(wrong))
            self.assert_refused(self.request(wrong), first)
            del wrong[first]


_NAMES = (*_INTEGERS, "order_by", "dir", "search_term")

_VALUES = st.one_of(
    st.integers().map(lambda number: str(number).encode()),
    st.sampled_from(
        [b"f", b"b", b"user_id", b"server_name", b"displayname", b"media_length", b"a"]
    ),
    st.text().map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.binary(),
)


@for_both_endpoints
class AnythingTestCase(OwnersTestCase):
    """Any request is answered with 200 or 400, never with 500."""

    def setUp(self) -> None:
        super().setUp()
        self.fill(self.file("a"), self.file("b", created_ts=7))

    def assert_answered(self, query: bytes) -> None:
        """Check that the answer is JSON, with status 200 or 400."""
        channel = self.request_raw(query)
        body: JsonDict = json.loads(channel.result["body"])
        if channel.code == 200:
            assert type(body["total"]) is int
            assert len(body[self.endpoint]) <= body["total"] <= 2
        else:
            assert channel.code == 400
            assert body["errcode"] in ("M_INVALID_PARAM", "M_UNKNOWN")
            assert any(name in body["error"] for name in _NAMES)
        assert header(channel, "Access-Control-Allow-Origin") == "*"

    @given(st.lists(st.tuples(st.sampled_from(_NAMES), _VALUES), max_size=4))
    def test_parameters(self, parameters: list[tuple[str, bytes]]) -> None:
        self.assert_answered(
            "&".join(
                f"{name}={quote_from_bytes(value)}" for name, value in parameters
            ).encode()
        )

    # Synapse fails at other characters before it reads the path.
    @given(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=40))
    def test_text(self, query: str) -> None:
        self.assert_answered(query.encode())

"""Properties: with any media, profiles and question, the answer equals the model.

Where Synapse's own endpoint is right, it answers the same.
`--hypothesis-profile=thorough` tries more examples.
"""

from collections.abc import Mapping
from typing import ClassVar

from hypothesis import given
from hypothesis import strategies as st
from modes_support import DIRECTIONS
from owners_model import Query
from owners_support import OwnersTestCase, in_every_mode_of_owners
from support import LocalMedia, RemoteMedia

from media_stats_module.module import DOCUMENTED_PATH

# With a port, which is the harder case.
_SERVER_NAME = "test.example:8448"

# Few characters, so that texts meet: case, several capitals, wildcards, two scripts.
_LETTERS = "aAsk_%*[\\.σςΣẞß\N{KELVIN SIGN}𐐔𐐼"

_LENGTHS = st.one_of(st.integers(0, 3), st.integers(0, 2**31 - 1))

_TIMES = st.integers(0, 6)


def _user_ids(letters: str, server_name: str) -> st.SearchStrategy[str]:
    return st.text(letters, min_size=1, max_size=3).map(
        lambda localpart: f"@{localpart}:{server_name}"
    )


_USER_IDS = _user_ids(_LETTERS, _SERVER_NAME)

_LOCAL_MEDIA = st.builds(
    LocalMedia,
    user_id=st.one_of(st.none(), _USER_IDS),
    media_length=st.one_of(st.none(), _LENGTHS),
    created_ts=_TIMES,
    url_cache=st.one_of(st.none(), st.just("https://a.example/")),
)

_REMOTE_MEDIA = st.builds(
    RemoteMedia,
    media_origin=st.text(_LETTERS + ":", min_size=1, max_size=3),
    media_length=_LENGTHS,
    created_ts=_TIMES,
)


def _queries(
    orders: tuple[str, ...], **more: st.SearchStrategy[object]
) -> st.SearchStrategy[Query]:
    """Any parameters that are not refused."""
    return st.fixed_dictionaries(
        {},
        optional={
            "order_by": st.sampled_from(orders),
            "dir": st.sampled_from(DIRECTIONS),
            "from": st.integers(0, 8),
            "limit": st.one_of(st.integers(1, 5), st.just(1_000)),
            "from_ts": _TIMES,
            "until_ts": st.integers(1, 7),
            **more,
        },
    ).filter(_window_is_legal)


def _window_is_legal(query: Query) -> bool:
    return int(str(query.get("from_ts", 0))) < int(str(query.get("until_ts", 2**63)))


_ANY_LIMIT = st.one_of(st.integers(0, 5), st.sampled_from([1_000, 2**63 - 1]))


@in_every_mode_of_owners
class ModelTestCase(OwnersTestCase):
    """The answers equal the model."""

    server_name: ClassVar[str] = _SERVER_NAME

    @given(
        media=st.lists(_LOCAL_MEDIA, max_size=12),
        displaynames=st.dictionaries(
            _USER_IDS, st.one_of(st.none(), st.text(_LETTERS, max_size=4)), max_size=6
        ),
        queries=st.lists(
            _queries(
                ("user_id", "displayname", "media_length", "media_count"),
                limit=_ANY_LIMIT,
                search_term=st.one_of(
                    st.text(_LETTERS + "@:", min_size=1, max_size=3), _USER_IDS
                ),
                deactivated=st.sampled_from(["true", "false"]),
            ),
            min_size=1,
            max_size=5,
        ),
        gone=st.sets(st.integers(0, 11)),
    )
    def test_users(
        self,
        media: list[LocalMedia],
        displaynames: Mapping[str, str | None],
        queries: list[Query],
        gone: set[int],
    ) -> None:
        # With media or without.
        user_ids = {file.user_id for file in media} - {None} | displaynames.keys()
        self.fill(
            *media,
            displaynames=displaynames,
            deactivated={
                user_id
                for index, user_id in enumerate(sorted(map(str, user_ids)))
                if index in gone
            },
        )

        for query in queries:
            assert self.answer(query) == self.expected(query), query


@in_every_mode_of_owners
class ServersModelTestCase(OwnersTestCase):
    """The same for servers, which have no profiles."""

    endpoint = "servers"

    @given(
        media=st.lists(_REMOTE_MEDIA, max_size=12),
        queries=st.lists(
            _queries(
                ("server_name", "media_length", "media_count"),
                limit=_ANY_LIMIT,
                search_term=st.text(_LETTERS + ":", min_size=1, max_size=3),
            ),
            min_size=1,
            max_size=5,
        ),
    )
    def test_servers(self, media: list[RemoteMedia], queries: list[Query]) -> None:
        self.fill(*media)

        for query in queries:
            assert self.answer(query) == self.expected(query), query


# Lower case only: in PostgreSQL, the built-in search distinguishes case. No letter of
# the server name: with a port, the built-in searches the server name, too.
_BUILTIN_USER_IDS = _user_ids("abc._%\\é", "test")
_BUILTIN_TERMS = st.text("abc.", min_size=1, max_size=2)


@in_every_mode_of_owners
class BuiltinTestCase(OwnersTestCase):
    """Where Synapse's own endpoint is right, it answers the same.

    So all media is uploaded and has an owner, all owners have displaynames, no two sort
    keys of a page are equal, and search terms are ASCII without wildcards.
    """

    @given(
        media=st.lists(
            st.builds(
                LocalMedia,
                user_id=_BUILTIN_USER_IDS,
                media_length=_LENGTHS,
                created_ts=_TIMES,
                url_cache=st.one_of(st.none(), st.just("https://a.example/")),
            ),
            max_size=12,
        ),
        names=st.lists(
            st.text("abc._%é ", max_size=3), min_size=12, max_size=12, unique=True
        ),
        queries=st.lists(
            _queries(
                ("user_id", "displayname", "media_length", "media_count"),
                search_term=_BUILTIN_TERMS,
            ),
            min_size=1,
            max_size=4,
        ),
    )
    def test_users(
        self, media: list[LocalMedia], names: list[str], queries: list[Query]
    ) -> None:
        user_ids = sorted({str(file.user_id) for file in media})
        self.fill(*media, displaynames=dict(zip(user_ids, names, strict=False)))

        for query in queries:
            order_by = str(query.get("order_by", "user_id"))
            users = self.expected({**query, "from": 0, "limit": 1_000})["users"]
            if len({user[order_by] for user in users}) < len(users):
                query = {**query, "order_by": "user_id"}
            builtin = self.ask(DOCUMENTED_PATH, query)
            assert self.request(query).result["body"] == builtin.result["body"], query
            assert builtin.json_body == self.expected(query), query

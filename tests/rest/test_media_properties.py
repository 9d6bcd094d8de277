"""Properties: with any media and question, answers equal the models, and agree.

`--hypothesis-profile=thorough` tries more examples.
"""

import attr
from hypothesis import given
from hypothesis import strategies as st
from media_model import Media, media_type_of
from media_support import ALICE, BOB, DAY_MS, MediaTestCase
from modes_support import DIRECTIONS, MODES, class_name
from owners_model import Query
from parameterized import parameterized_class  # type: ignore[import-untyped]
from support import LocalMedia, RemoteMedia, Thumbnail
from tests.utils import USE_POSTGRES_FOR_TESTS

_OWNERS = {"local": (ALICE, BOB, "@Zoë_%:test"), "remote": ("a.org", "a.org:8448", "B")}

_TYPES = (
    "image/png",
    "IMAGE/Png",
    " image/png ; q=1",
    "image/svg+xml",
    "image",
    "imagery/png",
    "text/plain;charset=utf-8",
    "application/octet-stream",
    "Audio/x",
    "video/mp4;",
    "Ü/ß",
    "*/*",
    "",
    ";",
    None,
)

_BOUNDARIES = [day * DAY_MS + ms for day in (1, 4, 31, 59, 60) for ms in (-1, 0, 1)]

_TIMES = st.one_of(st.sampled_from([0, 1, *_BOUNDARIES]), st.integers(0, 70 * DAY_MS))

# Also before 1970, in the future, and in microseconds.
_CREATED = st.one_of(
    _TIMES, st.sampled_from([-1, -DAY_MS, -DAY_MS - 1, 100 * DAY_MS, 10**15])
)

_LENGTHS = st.one_of(st.integers(0, 2), st.integers(0, 2**31 - 1))

_COLUMNS = {
    # By code point.
    "media_id": st.text("aA-_0é\N{DESERET SMALL LETTER LONG I}", min_size=1),
    "media_length": _LENGTHS,
    "media_type": st.sampled_from(_TYPES),
    "created_ts": _CREATED,
    "last_access_ts": st.one_of(st.none(), _TIMES),
    "quarantined_by": st.sampled_from([None, None, "@admin:test"]),
    "upload_name": st.one_of(st.none(), st.sampled_from(["", "=1+1", 'a "b"\n'])),
}


def _with_hash(file: Media, *, has_hash: bool) -> Media:
    """Files of equal length have equal content."""
    if not has_hash:
        return file
    return attr.evolve(file, sha256=_hash(file.media_length or 0))


def _hash(length: int) -> str:
    return f"{length:064x}"


_LOCAL_MEDIA = st.builds(
    LocalMedia,
    **_COLUMNS | {"media_length": st.one_of(st.none(), _LENGTHS, _LENGTHS)},
    user_id=st.sampled_from([None, *_OWNERS["local"]]),
    url_cache=st.sampled_from([None, None, "https://a.example/"]),
    safe_from_quarantine=st.booleans(),
)

_REMOTE_MEDIA = st.builds(
    RemoteMedia, **_COLUMNS, media_origin=st.sampled_from(_OWNERS["remote"])
)

_MEDIA = st.lists(
    st.builds(
        _with_hash, st.one_of(_LOCAL_MEDIA, _REMOTE_MEDIA), has_hash=st.booleans()
    ),
    max_size=14,
    unique_by=lambda file: (getattr(file, "media_origin", None), file.media_id),
)

_OF_ALL = st.sampled_from([{}, {"source": "local"}, {"source": "remote"}])

_OF_OWNER = st.one_of(
    st.sampled_from([{"user": owner} for owner in _OWNERS["local"]]),
    st.sampled_from([{"server_name": owner} for owner in _OWNERS["remote"]]),
)

_WINDOWS = st.fixed_dictionaries(
    {}, optional={"from_ts": _TIMES, "until_ts": _TIMES}
).filter(lambda window: window.get("from_ts", 0) < window.get("until_ts", 2**63))

_BOOLEANS = st.sampled_from(["true", "false"])


def _queries(
    *parts: st.SearchStrategy[Query], **more: st.SearchStrategy[object]
) -> st.SearchStrategy[Query]:
    """Some of these parameters, and all that the parts choose."""
    return st.builds(
        lambda some, *rest: {
            name: value for part in (some, *rest) for name, value in part.items()
        },
        st.fixed_dictionaries({}, optional=more),
        *parts,
    )


_SUMMARY = _queries(st.one_of(st.just({}), _OF_OWNER), duplicates=_BOOLEANS)

_TIMELINE = _queries(
    st.one_of(_OF_ALL, _OF_OWNER),
    _WINDOWS,
    interval=st.sampled_from(["day", "week", "month"]),
)

_TYPES_QUERY = _queries(
    st.one_of(_OF_ALL, _OF_OWNER),
    _WINDOWS,
    group=_BOOLEANS,
    order_by=st.sampled_from(["media_type", "media_count", "media_length"]),
    dir=st.sampled_from(DIRECTIONS),
    limit=st.one_of(st.integers(0, 4), st.just(2**63 - 1)),
    **{"from": st.integers(0, 6)},
)

_FILES = _queries(
    st.one_of(_OF_ALL, _OF_OWNER),
    _WINDOWS,
    media_type=st.one_of(
        st.sampled_from(["image/*", "IMAGE/*", "application/*", "image/PNG; q=2"]),
        st.sampled_from(_TYPES)
        .map(
            lambda media_type: media_type_of(
                LocalMedia(user_id="", media_type=media_type)
            )
        )
        .filter(lambda media_type: "*" not in media_type),
    ),
    min_length=_LENGTHS,
    unread_since_ts=_TIMES,
    never_read=_BOOLEANS,
    quarantined=_BOOLEANS,
    group=st.sampled_from(["other", "image", "application"]),
    order_by=st.sampled_from(
        ["media_id", "media_length", "created_ts", "last_access_ts"]
    ),
    dir=st.sampled_from(DIRECTIONS),
    limit=st.one_of(st.integers(1, 4), st.just(10_000)),
)

# Few files are identical, so this is asked more often than the rest.
_COPIES = _queries(
    st.one_of(st.just({}), _OF_ALL, _OF_OWNER),
    sha256=st.sampled_from([0, 1, 2]).map(_hash),
    order_by=st.sampled_from(
        ["media_id", "media_length", "created_ts", "last_access_ts"]
    ),
    dir=st.sampled_from(DIRECTIONS),
    limit=st.integers(1, 4),
)

_FILES_OF_USERS = _queries(
    _FILES.map(
        lambda query: {
            name: value
            for name, value in query.items()
            if name not in ("source", "server_name")
        }
    ),
    deactivated=_BOOLEANS,
    url_preview=_BOOLEANS,
    without_owner=_BOOLEANS,
)


@parameterized_class(
    [
        *MODES,
        {
            "mode": "without_url_previews",
            "mode_options": {
                "rollups": bool(USE_POSTGRES_FOR_TESTS),
                "count_url_previews": False,
            },
        },
    ],
    class_name_func=class_name,
)
class ModelTestCase(MediaTestCase):
    """Fill the database; some files have one thumbnail, some have two."""

    def fill_with_thumbnails(self, media: list[Media]) -> None:
        """Put media into the database; some of it has one thumbnail, some has two."""
        self.fill(
            *media,
            deactivated=(ALICE,),
            thumbnails=tuple(
                Thumbnail(
                    media_id=str(file.media_id),
                    media_origin=getattr(file, "media_origin", None),
                    thumbnail_length=(file.media_length or 0) // 2,
                    thumbnail_width=width,
                )
                for index, file in enumerate(media)
                for width in range(index % 3)
            ),
        )

    def added(self, endpoint: str, query: Query) -> tuple[int, int]:
        """Add up all entries of an answer."""
        answer = self.ask_endpoint(endpoint, {**query, "limit": 1_000})
        (entries,) = (value for value in answer.values() if isinstance(value, list))
        outside = [answer[name] for name in ("before", "after") if name in answer]
        count, length = (
            sum(entry[key] for entry in [*entries, *outside])
            for key in ("media_count", "media_length")
        )
        return count, length

    def assert_sums_agree(self, query: Query) -> None:
        """Check that owners, days and types have the same sums."""
        is_remote = query.get("source") == "remote"
        owners = self.added("servers" if is_remote else "users", query)
        for endpoint, more in (
            ("timeline", {}),
            ("timeline", {"interval": "week"}),
            ("timeline", {"interval": "month"}),
            ("types", {}),
            ("types", {"group": "true"}),
        ):
            assert self.added(endpoint, {**query, **more}) == owners, (query, more)
        if not {"from_ts", "until_ts"} & set(query):
            summary = self.ask_endpoint("summary", {})
            parts = (
                [summary["remote"]["cached"]]
                if is_remote
                else [summary["local"]["uploads"]]
                + [summary["local"]["url_previews"]] * self.count_url_previews
            )
            assert owners == (
                sum(part["media_count"] for part in parts),
                sum(part["media_length"] for part in parts),
            )

    @given(
        media=_MEDIA,
        summary=_SUMMARY,
        timeline=_TIMELINE,
        types=_TYPES_QUERY,
        files=st.one_of(_FILES, _FILES_OF_USERS, _COPIES),
        sums=_queries(_OF_ALL, st.one_of(st.just({}), _WINDOWS)),
    )
    def test_answers(
        self,
        media: list[Media],
        summary: Query,
        timeline: Query,
        types: Query,
        files: Query,
        sums: Query,
    ) -> None:
        self.fill_with_thumbnails(media)

        self.assert_as_model("summary", summary)
        self.assert_as_model("timeline", timeline)
        self.assert_as_model("types", types)
        self.assert_as_model("files", files)
        self.assert_sums_agree(sums)

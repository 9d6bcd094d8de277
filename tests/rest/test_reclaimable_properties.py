"""`/v1/reclaimable` against Synapse: ask, let Synapse delete, and compare.

Any media, with avatars, at the limits of time and size. Synapse's own admin API deletes
exactly the files that the answer names.
"""

import csv
import io
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import attr
from hypothesis import given
from hypothesis import strategies as st
from media_support import ALICE, BOB, MediaTestCase, usage
from support import PROFILES_HAVE_FULL_USER_ID, LocalMedia, RemoteMedia, Thumbnail
from synapse.module_api import JsonDict
from synapse.rest.admin.media import register_servlets_for_media_repo

# Synapse refuses times before the end of 1970.
_FIRST_TS = 30_000_000_000

_MEDIA_IDS = ("AbCdEfGh", "abcdefgh", "abcdefghi", "ab_defgh", "abXdefgh", "media-id")

_ORIGINS = ("a.org", "a.org:8448", "B")

# URIs. Only the first is of a local file.
_URIS = (
    "mxc://{server_name}/{media_id}",
    "mxc://{server_name}/{media_id}x",
    "mxc://{server_name}/{media_id}/",
    "mxc://{server_name}//{media_id}",
    " mxc://{server_name}/{media_id}",
    "MXC://{server_name}/{media_id}",
    "mxc://{server_name}.org/{media_id}",
    "mxc://a.org/{media_id}",
    "mxc://{server_name}/",
    "{media_id}",
    "",
)

_PLACES = {
    "profiles": (
        "avatar_url",
        {"user_id": "{n}"}
        | ({"full_user_id": "@{n}:b.org"} if PROFILES_HAVE_FULL_USER_ID else {}),
    ),
    "room_memberships": (
        "avatar_url",
        {
            "event_id": "$event{n}",
            "user_id": "@{n}:b.org",
            "sender": "@{n}:b.org",
            "room_id": "!room:test",
            "membership": "leave",
        },
    ),
    "user_directory": ("avatar_url", {"user_id": "@{n}:b.org"}),
    "room_stats_state": ("avatar", {"room_id": "!room{n}:test"}),
}


@attr.frozen
class Avatar:
    """An avatar: its table, and the URI in it."""

    place: str
    uri: str | None
    media_id: str


@attr.frozen(kw_only=True)
class Case:
    """The rows of the database, the deletion, and the order of lists."""

    media: Sequence[LocalMedia | RemoteMedia]
    avatars: Sequence[Avatar]
    thumbnails: Sequence[int]
    before_ts: int
    size_gt: int
    keep_profiles: bool | None
    order: JsonDict

    @property
    def parameters(self) -> JsonDict:
        """The parameters of the deletion."""
        parameters: JsonDict = {"size_gt": self.size_gt}
        if self.keep_profiles is not None:
            parameters["keep_profiles"] = str(self.keep_profiles).lower()
        return parameters


@st.composite
def _cases(draw: st.DrawFn) -> Case:
    before_ts = draw(st.sampled_from([_FIRST_TS, _FIRST_TS + 1, 10**12, 2**62]))
    size_gt = draw(st.sampled_from([0, 0, 1, 1000, 2**31 - 1, 2**40]))
    time = st.sampled_from([0, 1, before_ts - 1, before_ts, before_ts + 1])
    length = st.sampled_from(
        [0, 1, *(size for d in (-1, 0, 1) if 0 <= (size := size_gt + d) < 2**31)]
    )
    columns = {
        "created_ts": time,
        "last_access_ts": st.one_of(st.none(), time),
        "quarantined_by": st.sampled_from([None, None, "@admin:test"]),
    }
    local = st.builds(
        LocalMedia,
        **columns,
        media_id=st.sampled_from(_MEDIA_IDS),
        media_length=st.one_of(st.none(), length, length),
        user_id=st.sampled_from([None, ALICE, BOB]),
        url_cache=st.sampled_from([None, "https://a.example/"]),
        safe_from_quarantine=st.sampled_from([False, False, True]),
    )
    remote = st.builds(
        RemoteMedia,
        **columns,
        media_id=st.sampled_from(_MEDIA_IDS),
        media_length=length,
        media_origin=st.sampled_from(_ORIGINS),
    )
    media = draw(
        st.lists(
            st.one_of(local, local, remote),
            max_size=12,
            unique_by=lambda file: (
                getattr(file, "media_origin", None),
                file.media_id,
            ),
        )
    )
    return Case(
        media=media,
        avatars=draw(
            st.lists(
                st.builds(
                    Avatar,
                    st.sampled_from(sorted(_PLACES)),
                    # Most of them are avatars of this server.
                    st.one_of(
                        st.just(_URIS[0]), st.just(_URIS[0]), st.sampled_from(_URIS)
                    ),
                    st.sampled_from(_MEDIA_IDS),
                ),
                max_size=8,
            )
        ),
        thumbnails=draw(
            st.lists(
                st.integers(0, 2**31 - 1), min_size=len(media), max_size=len(media)
            )
        ),
        before_ts=before_ts,
        size_gt=size_gt,
        keep_profiles=draw(st.sampled_from([None, True, False])),
        order={
            "order_by": draw(
                st.sampled_from(
                    ["media_id", "media_length", "created_ts", "last_access_ts"]
                )
            ),
            "dir": draw(st.sampled_from("fb")),
        },
    )


def _added(*usages: JsonDict) -> JsonDict:
    """Add up amounts of files."""
    return {key: sum(one[key] for one in usages) for key in usage()}


def _write(path: str, length: int) -> None:
    """Write a file of this length, which takes no space."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with Path(path).open("wb") as file:
        file.truncate(length)


class ReclaimablePropertiesTestCase(MediaTestCase):
    """Synapse deletes what was announced, no more and no less.

    The server's name has a port, as in some URIs. Synapse deletes the images of
    previews whether or not the module counts them.
    """

    shares_homeserver: ClassVar[bool] = False

    server_name: ClassVar[str] = "test:8448"
    module_options: ClassVar[JsonDict] = {"count_url_previews": False}
    endpoint: ClassVar[str] = "reclaimable"

    servlets = [  # noqa: RUF012
        *MediaTestCase.servlets,
        register_servlets_for_media_repo,
    ]

    def put(self, case: Case) -> None:
        """Replace the content of the database by a case."""
        self.fill(
            *case.media,
            thumbnails=tuple(
                Thumbnail(
                    media_id=str(file.media_id),
                    media_origin=getattr(file, "media_origin", None),
                    thumbnail_length=length,
                    thumbnail_width=width,
                )
                for file, length in zip(case.media, case.thumbnails, strict=True)
                for width in range(length % 3)
            ),
        )
        for place, (column, keys) in _PLACES.items():
            self.execute(f"DELETE FROM {place}")
            self._insert(
                place,
                [
                    {
                        **{name: key.format(n=n) for name, key in keys.items()},
                        column: avatar.uri
                        and avatar.uri.format(
                            server_name=self.server_name, media_id=avatar.media_id
                        ),
                    }
                    for n, avatar in enumerate(case.avatars)
                    if avatar.place == place
                ],
            )

    def write_files(self, case: Case) -> None:
        """Write the files to the disk, each as long as its row says, and thumbnails.

        They are where Synapse keeps them: images of previews have folders of their own.
        """
        self._remove_files()
        paths = self.hs.get_media_repository().filepaths
        for file, length in zip(case.media, case.thumbnails, strict=True):
            media_id = str(file.media_id)
            names: tuple[str, ...]
            path: Any
            thumbnail: Any
            if isinstance(file, RemoteMedia):
                names = (file.media_origin, media_id)
                path, thumbnail = (
                    paths.remote_media_filepath,
                    paths.remote_media_thumbnail,
                )
            elif file.url_cache is not None:
                names = (media_id,)
                path, thumbnail = paths.url_cache_filepath, paths.url_cache_thumbnail
            else:
                names = (media_id,)
                path, thumbnail = (
                    paths.local_media_filepath,
                    paths.local_media_thumbnail,
                )
            if file.media_length is not None:
                _write(path(*names), file.media_length)
            for width in range(length % 3):
                _write(thumbnail(*names, width, width, "image/png", "scale"), length)

    def on_disk(self) -> list[int]:
        """The bytes of each file in the media store."""
        return [
            path.stat().st_size for path in self._store.rglob("*") if path.is_file()
        ]

    def _remove_files(self) -> None:
        shutil.rmtree(self._store, ignore_errors=True)

    @property
    def _store(self) -> Path:
        return Path(self.hs.config.media.media_store_path)

    def uri(self, file: LocalMedia | RemoteMedia) -> str:
        """The URI of a file."""
        origin = getattr(file, "media_origin", self.server_name)
        return f"mxc://{origin}/{file.media_id}"

    def stored(self) -> dict[str, int]:
        """The bytes of each file in the database, by its URI."""
        local = self.execute(
            "SELECT ?, media_id, media_length FROM local_media_repository",
            self.server_name,
        )
        remote = self.execute(
            "SELECT media_origin, media_id, media_length FROM remote_media_cache"
        )
        return {
            f"mxc://{server}/{media_id}": length
            for server, media_id, length in local + remote
        }

    def stored_thumbnails(self) -> list[int]:
        """The bytes of each thumbnail in the database."""
        rows = self.execute(
            "SELECT thumbnail_length FROM local_media_repository_thumbnails "
            "UNION ALL SELECT thumbnail_length FROM remote_media_cache_thumbnails"
        )
        return [length for (length,) in rows]

    def listed(self, query: Mapping[str, object]) -> list[str]:
        """The URIs that `/v1/files` lists, as JSON and as CSV, which must agree."""
        pages = [
            file["mxc"]
            for page in self.file_pages({**query, "limit": 4})
            for file in page
        ]
        channel = self.ask(
            "/_synapse/client/media_stats/v1/files", {**query, "format": "csv"}
        )
        assert channel.code == 200, channel.result
        rows = csv.DictReader(io.StringIO(channel.result["body"].decode()))
        assert [row["mxc"] for row in rows] == pages
        return pages

    def of_owner(
        self,
        asked: Mapping[str, object],
        listing: Mapping[str, object],
        owner: Mapping[str, object],
    ) -> tuple[JsonDict, list[str]]:
        """The answer about one owner, and the URIs of the files."""
        files = self.ask_endpoint("files", {**listing, **owner})["files"]
        return self.answer({**asked, **owner}), [file["mxc"] for file in files]

    def delete_local(self, parameters: Mapping[str, object]) -> JsonDict:
        """Let Synapse delete local media; return its answer."""
        paths = (
            "/_synapse/admin/v1/media/delete",
            f"/_synapse/admin/v1/media/{self.server_name}/delete",
        )
        for path in paths:
            query = "&".join(f"{name}={value}" for name, value in parameters.items())
            channel = self.make_request(
                "POST", f"{path}?{query}", access_token=self.admin_token
            )
            # The first is newer than 1.75.
            if channel.code != 404:
                break
        assert channel.code == 200, channel.result
        answer: JsonDict = channel.json_body
        return answer

    def assert_kept(self, case: Case, answer: JsonDict) -> None:
        """Check which files are old and large enough, and the reasons to keep them."""
        avatars = (
            {avatar.media_id for avatar in case.avatars if avatar.uri == _URIS[0]}
            if case.keep_profiles is not False
            else set()
        )
        kept: dict[str, list[int]] = {"quarantined": [], "protected": [], "avatar": []}
        for file in self.local_media:
            last_read = (
                file.created_ts if file.last_access_ts is None else file.last_access_ts
            )
            length = file.media_length
            if length is None or length <= case.size_gt or last_read >= case.before_ts:
                continue
            if file.quarantined_by:
                kept["quarantined"].append(length)
            elif file.safe_from_quarantine:
                kept["protected"].append(length)
            elif file.media_id in avatars:
                kept["avatar"].append(length)
        assert answer["local"]["kept"] == {
            reason: usage(*lengths) for reason, lengths in kept.items()
        }
        assert answer["remote"]["kept"] == {
            "quarantined": usage(
                *(
                    file.media_length
                    for file in self.remote_media
                    if file.quarantined_by
                    and file.last_access_ts is not None
                    and file.last_access_ts < case.before_ts
                )
            )
        }

    @given(case=_cases())
    def test_synapse_deletes_what_was_announced(self, case: Case) -> None:
        self.put(case)
        self.write_files(case)
        self.addCleanup(self._remove_files)
        asked = {
            **case.parameters,
            "before_ts": case.before_ts,
            "thumbnails": "true",
        }
        answer = self.answer(asked)
        self.assert_kept(case, answer)
        time = {"before_ts": case.before_ts}
        listing = {"reclaimable_before_ts": case.before_ts, **case.order}
        # The other parameters of the deletion are for local media only.
        local_listing = {**case.parameters, **listing}
        listed = {
            "local": self.listed({**local_listing, "source": "local"}),
            "remote": self.listed({**listing, "source": "remote"}),
        }
        by_owner = {
            ALICE: self.of_owner(asked, local_listing, {"user": ALICE}),
            "a.org": self.of_owner(time, listing, {"server_name": "a.org"}),
        }

        for source in ("local", "remote"):
            before, thumbnails = self.stored(), self.stored_thumbnails()
            on_disk = self.on_disk()
            if source == "local":
                said = self.delete_local(asked)
                assert sorted(said["deleted_media"]) == sorted(
                    uri.rpartition("/")[2] for uri in listed["local"]
                )
            else:
                channel = self.make_request(
                    "POST",
                    f"/_synapse/admin/v1/purge_media_cache?before_ts={case.before_ts}",
                    access_token=self.admin_token,
                )
                assert channel.code == 200, channel.result
                assert channel.json_body["deleted"] == len(listed["remote"])
            deleted = {uri: before[uri] for uri in set(before) - set(self.stored())}
            assert sorted(deleted) == sorted(listed[source])
            left = self.stored_thumbnails()
            part = answer[source]
            previews = part.get("url_previews", usage() | {"thumbnails": usage()})
            assert _added(part, previews) == usage(*deleted.values())
            assert _added(part["thumbnails"], previews["thumbnails"]) == {
                "media_count": len(thumbnails) - len(left),
                "media_length": sum(thumbnails) - sum(left),
            }
            # Of previews, Synapse deletes only the rows.
            still_on_disk = self.on_disk()
            assert _added(part, part["thumbnails"]) == {
                "media_count": len(on_disk) - len(still_on_disk),
                "media_length": sum(on_disk) - sum(still_on_disk),
            }
            owner = ALICE if source == "local" else "a.org"
            of_owner, files = by_owner[owner]
            expected = [
                self.uri(file)
                for file in case.media
                if owner
                in (getattr(file, "user_id", None), getattr(file, "media_origin", None))
            ]
            assert sorted(files) == sorted(set(expected) & set(deleted))
            assert set(of_owner) & {"local", "remote"} == {source}
            part = of_owner[source]
            previews = part.get("url_previews", usage())
            assert _added(part, previews) == usage(*(deleted[uri] for uri in files))

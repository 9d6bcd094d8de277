"""Storage providers: a second folder, a bucket, and listings of a bucket."""

import gzip
import os
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

import attr
import pytest
from disk_support import DAY_MS, DiskTestCase
from synapse.module_api import JsonDict

from media_stats_module.disk import listing, s3
from media_stats_module.disk.configuration import media_store_config
from media_stats_module.disk.s3 import Bucket
from media_stats_module.disk.tallies import ProviderTallies
from media_stats_module.errors import RefusedError

S3 = {
    "media_storage_providers": [
        {
            "module": "s3_storage_provider.S3StorageProviderBackend",
            "config": {"bucket": "media", "prefix": "some/where/"},
        }
    ]
}

FIGURES = attr.fields(ProviderTallies)

# The provider's numbers of a kind, without zeros.
Found = dict[str, int]


class ProviderTestCase(DiskTestCase):
    """Six local files, each stored in other places."""

    # Of rows and files: in the folder, in the provider.
    LOCAL = "local_content/aa/bb/"

    def setUp(self) -> None:
        super().setUp()
        self.second = self.root.parent / "second"
        self.second.mkdir()
        for media_id in ("both", "here", "them", "lost"):
            self.local(f"aabb{media_id}", 3)
        for name in ("both", "here"):
            self.put(self.LOCAL + name, b"abc")

    def with_options(self, options: JsonDict) -> None:
        patched = patch.object(type(self), "homeserver_yaml", options)
        patched.start()
        self.addCleanup(patched.stop)

    def in_provider(self, *arguments: str, kind: str = "local_files") -> Found:
        (found,) = self.report(*arguments)["kinds"][kind]["providers"].values()
        return {
            name: tally["media_count"]
            for name, tally in found.items()
            if tally["media_count"]
        }


ALL: Found = {
    "stored": 3,
    "both": 1,
    "only_local": 1,
    "only_provider": 1,
    "without_row": 1,
}


@pytest.mark.any_database
class SecondFolderTestCase(ProviderTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.with_options({"backup_media_store_path": str(self.second)})
        for name in ("both", "them", "more"):
            self.put(f"../second/{self.LOCAL}{name}", b"abc")

    def test_table(self) -> None:
        assert self.in_provider() == ALL
        assert self.differences() == {
            "local_files": {"without_file": {"media_count": 1, "media_length": 3}}
        }
        assert self.causes() == {"without_file": (1, -3), "not_local": (1, -3)}
        assert self.listed("without-file") == ["mxc://test/aabblost"]
        printed = self.run_command().out.decode()
        assert f"file_system {self.second}:" in printed
        assert "only here" in printed

    def test_two_rows_of_one_file(self) -> None:
        for media_id in ("one", "two"):
            self.remote("s.example", media_id, "aabbcccc", 3)
        self.put("../second/remote_content/s.example/aa/bb/cccc", b"abc")
        assert self.in_provider(kind="remote_files") == {
            "stored": 1,
            "only_provider": 2,
        }

    def test_storage_provider_that_is_a_folder(self) -> None:
        module = "synapse.media.storage_provider.FileStorageProviderBackend"
        for name in ("file_system", module):
            provider = {"module": name, "config": {"directory": str(self.second)}}
            self.with_options({"media_storage_providers": [provider]})
            assert self.in_provider() == ALL

    def test_no_file_is_kept_in_the_first_folder(self) -> None:
        self.with_options(
            {
                "backup_media_store_path": str(self.second),
                "enable_local_media_storage": False,
            }
        )
        assert self.causes() == {"without_file": (1, -3), "not_local": (1, -3)}

    def test_no_file_is_kept_anywhere(self) -> None:
        """Nothing is stored locally, so nothing is missing."""
        self.with_options({"enable_local_media_storage": False})
        self.local("2026-01-02_abc", url_cache="https://example.com", created_ts=1)
        assert self.differences() == {}
        assert self.causes() == {"not_local": (2, -6), "expired": (1, -1)}

    def test_a_second_folder_that_is_not_there(self) -> None:
        self.second.rename(self.second.with_name("third"))
        assert self.differences() == {}
        assert "its files are not known" in self.run_command().out.decode()

    def test_a_second_folder_that_cannot_be_read(self) -> None:
        (self.second / self.LOCAL / "them").unlink()
        for name in ("both", "more"):
            (self.second / self.LOCAL / name).unlink()
        (self.second / self.LOCAL).rmdir()
        (self.second / self.LOCAL).symlink_to("/no/such/folder")
        assert self.differences() == {}

    def test_a_file_that_has_moved_meanwhile(self) -> None:
        """It was uploaded after the walk was there, and removed here."""
        path = self.second / self.LOCAL / "lost"
        with patch(
            "media_stats_module.disk.second_look.sleep",
            lambda seconds: path.write_bytes(b"abc"),
        ):
            assert self.differences() == {}

    def test_what_is_young_has_its_row_soon(self) -> None:
        self.put(f"../second/{self.LOCAL}young", age_ms=0)
        assert self.in_provider() == {**ALL, "stored": 4}

    def test_thumbnails_and_remote_files(self) -> None:
        self.thumbnail("aabbcccc")
        self.put("../second/local_thumbnails/aa/bb/cccc/32-32-image-png-scale")
        self.remote("s.example", "id", "aabbcccc")
        self.put("../second/remote_content/s.example/aa/bb/cccc")
        for kind in ("local_thumbnails", "remote_files"):
            assert self.in_provider(kind=kind) == {"stored": 1, "only_provider": 1}


AWS = """\
2026-11-01 10:00:00          3  two spaces  .txt
2026-11-01 10:00:00        100 another/local_content/aa/bb/more
2026-11-01 10:00:00          3 local_content/aa/bb/lost
2026-11-01 10:00:00          0 some/where/local_content/
2026-11-01 10:00:00          3 some/where/local_content/aa/bb/both
2026-11-01 10:00:00          3 some/where/local_content/aa/bb/more
2026-11-01 10:00:00          3 some/where/local_content/aa/bb/them

Total Objects: 7
   Total Size: 115
"""
RCLONE = """\
local_content/;-1
local_content/aa/bb/them;3
local_content/aa/bb/more;3
some/where/local_content/aa/bb/both;3
local_content/aa/;-1
local;with;semicolons;7
"""
INVENTORY = """\
"media","some/where/local_content/aa/bb/them","3","2026-11-01T10:00:00.000Z"
"media","some/where/local_content/%61a/bb/more","3","d41d8cd98f00b204e9800998ecf8427e"
"media","local_content/aa/bb/lost","3","2026-11-01T10:00:00.000Z"
"media","some/where/a+%22name%22,%0A%C3%A9","3","2026-11-01T10:00:00.000Z"
"media","some/where/local_content/aa/bb/both","3","2026-11-01T10:00:00.000Z"
"""
VERSIONS = """\
"media","some/where/local_content/aa/bb/them","v","true","false","3","2026-11-01T10:00:00Z"
"media","some/where/local_content/aa/bb/lost","v","true","true","","2026-11-01T10:00:00Z"
"media","some/where/local_content/aa/bb/lost","v","false","false","3","2026-11-01T10:00:00Z"
"media","some/where/local_content/aa/bb/more","v","true","false","3","2026-11-01T10:00:00Z"
"media","some/where/local_content/aa/bb/both","v","true","false","3","2026-11-01T10:00:00Z"
"""


@pytest.mark.any_database
class ListingTestCase(ProviderTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.with_options(S3)

    def write(self, content: bytes, name: str = "listing") -> str:
        path: Path = self.root.parent / name
        path.write_bytes(content)
        return str(path)

    def test_forms(self) -> None:
        for text in (AWS, RCLONE, INVENTORY, VERSIONS):
            content = text.encode()
            for written in (content, gzip.compress(content)):
                listing = self.write(written)
                assert self.in_provider("--listing", listing) == ALL, text
                assert self.listed("without-file", "--listing", listing) == [
                    "mxc://test/aabblost"
                ]

    def test_several_files_and_long_ones(self) -> None:
        lines = RCLONE.encode().splitlines(keepends=True)
        arguments: Sequence[str] = [
            argument
            for number, some in enumerate((lines[:3], lines[3:]))
            for argument in ("--listing", self.write(b"".join(some), str(number)))
        ]
        with patch.object(listing, "_SORTED_AT_ONCE", 2):
            assert self.in_provider(*arguments) == ALL
            # A file of two parts counts once.
            assert self.in_provider(*arguments, *arguments) == ALL

    def test_what_is_no_listing(self) -> None:
        for content, said in (
            (b"abc\n", "line 1"),
            (AWS.encode() + b"\xff\n", "line 11"),
            (b'"a","b"\n', "line 1"),
            (gzip.compress(AWS.encode())[:-20], "cannot be read"),
            (gzip.compress(AWS.encode())[:20] + b"x" * 99, "cannot be read"),
        ):
            path = self.write(content)
            with pytest.raises(RefusedError, match=said):
                self.run_command("--listing", path)
        for path, said in (("/no/such/file", "cannot be"), ("/dev/null", "is no reg")):
            with pytest.raises(RefusedError, match=said):
                self.run_command("--listing", path)

    def test_a_listing_of_no_provider(self) -> None:
        self.with_options({})
        with pytest.raises(RefusedError, match="configuration has 0 of"):
            self.run_command("--listing", self.write(b""))

    def test_a_provider_that_nobody_knows(self) -> None:
        provider = {"module": "some.Provider", "config": {}}
        self.with_options({"media_storage_providers": [provider]})
        assert self.causes() == {"not_local": (2, -6)}
        assert (
            "some.Provider: its files are not known" in self.run_command().out.decode()
        )
        written = RCLONE.replace("some/where/", "").encode()
        assert self.in_provider("--listing", self.write(written)) == ALL

    def test_several_providers(self) -> None:
        self.with_options({**S3, "backup_media_store_path": str(self.second)})
        self.put(f"../second/{self.LOCAL}them", b"abc")
        line = "2026-11-01 10:00:00 3 some/where/local_content/aa/bb/lost\n"
        listing = self.write(line.encode())
        report = self.report("--listing", listing)
        for found in report["kinds"]["local_files"]["providers"].values():
            assert found["only_local"]["media_count"] == 2
            assert found["only_provider"]["media_count"] == 1
        assert self.differences("--listing", listing) == {}

        same = [{"module": "some.Provider"}] * 2
        self.with_options({"media_storage_providers": same})
        providers = self.report()["kinds"]["local_files"]["providers"]
        assert list(providers) == ["some.Provider", "some.Provider (2)"]

    def test_previews_are_in_no_provider(self) -> None:
        provider = {"module": "some.Provider", "config": {}}
        self.with_options({"media_storage_providers": [provider]})
        self.local("2026-01-02_abc", url_cache="https://example.com", created_ts=1)
        assert self.causes() == {"without_file": (1, -1), "not_local": (2, -6)}
        # A copy of all folders has them, but Synapse does not look there.
        self.with_options({"backup_media_store_path": str(self.second)})
        self.put("../second/url_cache/2026-01-02/abc")
        assert "mxc://test/2026-01-02_abc" in self.listed("without-file")

    def test_without_boto3(self) -> None:
        with patch("media_stats_module.disk.providers.has_boto3", lambda: False):
            assert self.causes() == {"not_local": (2, -6)}
            printed = self.run_command().out.decode()
        assert "s3://media/some/where/: its files are not known" in printed
        assert "boto3 is not installed" in printed


# A bucket depends neither on the version of Synapse nor on the database, and the server
# takes ten seconds to start.
@pytest.mark.once
@pytest.mark.any_database
class BucketTestCase(ProviderTestCase):
    """With a server that speaks the protocol of S3."""

    server: Any
    endpoint: str

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        moto = pytest.importorskip("moto.server")
        cls.server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
        cls.server.start()
        host, port = cls.server.get_host_and_port()
        cls.endpoint = f"http://{host}:{port}"

    @classmethod
    def tearDownClass(cls) -> None:
        cls.server.stop()
        super().tearDownClass()

    def setUp(self) -> None:
        super().setUp()
        boto3 = pytest.importorskip("boto3")
        options = {
            "bucket": "media",
            "prefix": "some/where/",
            "region_name": "us-east-1",
            "endpoint_url": self.endpoint,
            "access_key_id": "testing",
            "secret_access_key": "testing",
        }
        (provider,) = S3["media_storage_providers"]
        self.with_options(
            {"media_storage_providers": [{**provider, "config": options}]}
        )
        self.bucket = boto3.resource(
            "s3",
            region_name="us-east-1",
            endpoint_url=self.endpoint,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        ).Bucket("media")
        self.bucket.create()
        self.addCleanup(self._delete_bucket)

    def _delete_bucket(self) -> None:
        self.bucket.objects.all().delete()
        self.bucket.delete()

    def put_object(self, path: str) -> None:
        self.bucket.put_object(Key=f"some/where/{path}", Body=b"abc")

    def test_bucket(self) -> None:
        for name in ("both", "them", "more"):
            self.put_object(f"local_content/aa/bb/{name}")
        self.bucket.put_object(Key="another/local_content/aa/bb/more", Body=b"abc")

        # All of it is younger than an hour, so rows may still come.
        assert self.in_provider() == {
            name: count for name, count in ALL.items() if name != "without_row"
        }
        assert self.in_provider("--min-age", "0s") == ALL
        assert self.listed("without-file") == ["mxc://test/aabblost"]
        assert "s3://media/some/where/:" in self.run_command().out.decode()

    def test_more_than_a_page(self) -> None:
        for number in range(5):
            self.put_object(f"local_content/aa/bb/{number:04}")
        # In another order than the names of folders.
        for server in ("a.b", "a", "a-b"):
            self.remote(server, "id", "aabbcccc")
            self.put_object(f"remote_content/{server}/aa/bb/cccc")

        with patch.object(s3, "_PAGE", 2):
            assert self.in_provider("--min-age", "0s")["without_row"] == 5
            assert self.in_provider(kind="remote_files") == {
                "stored": 3,
                "only_provider": 3,
            }

    def test_a_file_that_has_moved_meanwhile(self) -> None:
        def upload(seconds: float) -> None:
            for name in ("lost", "them"):
                self.put_object(f"local_content/aa/bb/{name}")

        with patch("media_stats_module.disk.second_look.sleep", upload):
            assert self.differences() == {}

    # Without the pauses between attempts.
    @patch.dict(os.environ, {"AWS_MAX_ATTEMPTS": "1"})
    def test_a_bucket_that_cannot_be_listed(self) -> None:
        """The folder is compared all the same."""
        (provider,) = self.homeserver_yaml["media_storage_providers"]
        # It refuses connections, as it does not listen.
        refusing = socket.socket()
        self.addCleanup(refusing.close)
        refusing.bind(("127.0.0.1", 0))
        refused = f"http://127.0.0.1:{refusing.getsockname()[1]}"
        for option, value, said in (
            ("bucket", "other", "The specified bucket does not exist"),
            ("endpoint_url", refused, "Could not connect"),
            ("endpoint_url", "s3.example", "Invalid endpoint"),
            ("region_name", "no region", "no region"),
            # YAML takes it for a number.
            ("endpoint_url", 9000, "Invalid endpoint"),
        ):
            with self.subTest(said), patch.dict(provider["config"], {option: value}):
                report = self.report()
                (unknown,) = report["unknown_providers"]
                assert said in unknown["reason"]
                (found,) = report["kinds"]["local_files"]["providers"].values()
                nothing = {"media_count": None, "media_length": None}
                assert found == {field.name: nothing for field in FIGURES}
                assert list(report["difference"]["causes"]) == ["not_local"]

        provider["config"]["bucket"] = "other"
        said = "not here may be there. It cannot be listed: "
        assert said in self.run_command().out.decode()
        for arguments in (("--list", "without-file"), ("--csv",)):
            assert said in self.run_command(*arguments).err

    def test_a_bucket_that_is_denied_after_a_page(self) -> None:
        """The rest of it is unknown, so no file is called lost."""
        for name in ("0000", "them"):
            self.put_object(f"local_content/aa/bb/{name}")
        make_client = Bucket._client

        def deny(self: Bucket) -> Any:
            client = make_client(self)
            client.meta.events.register(
                "before-parameter-build.s3.ListObjectsV2", _deny_the_second_page
            )
            return client

        with patch.object(Bucket, "_client", deny), patch.object(s3, "_PAGE", 1):
            assert self.causes() == {"not_local": (2, -6)}
            assert "AccessDenied" in self.run_command().out.decode()


def _deny_the_second_page(params: dict[str, Any], **_: object) -> None:
    if "ContinuationToken" in params:
        exceptions = pytest.importorskip("botocore.exceptions")
        error = {"Error": {"Code": "AccessDenied", "Message": "Access Denied"}}
        raise exceptions.ClientError(error, "ListObjectsV2")


def test_providers_of_a_configuration() -> None:
    config = media_store_config(
        {
            "backup_media_store_path": "backup",
            "media_storage_providers": [
                {"module": "s3_storage_provider.S3StorageProviderBackend"},
                {"module": "other.Provider", "config": {"directory": "/a"}},
            ],
        }
    )
    folder, bucket, other = config.providers
    assert folder.directory == str(Path("backup").absolute())
    assert bucket.s3 == {}
    assert (other.directory, other.s3) == (None, None)
    assert config.path == str(Path("media_store").absolute())
    assert config.unused_expiration_ms == DAY_MS

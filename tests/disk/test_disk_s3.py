"""synapse-s3-storage-provider on a real Synapse, and its script.

The bucket is one of moto, which speaks the protocol of S3 over HTTP.
"""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from disk_command import names_in_list, run_disk
from disk_media import local_path, picture

from demo.client import Account
from demo.homeserver import Homeserver

pytestmark = [pytest.mark.once, pytest.mark.any_database]

_BUCKET = "media"
_PREFIX = "synapse/"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """The address of a server of S3 with an empty bucket."""
    # The import takes a second.
    moto = pytest.importorskip("moto.server")
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def _options(endpoint: str) -> dict[str, str]:
    return {
        "bucket": _BUCKET,
        "prefix": _PREFIX,
        "region_name": "us-east-1",
        "endpoint_url": endpoint,
        "access_key_id": "testing",
        "secret_access_key": "testing",
    }


def test_the_table_follows_the_upload_script(tmp_path: Path, endpoint: str) -> None:
    boto3: Any = pytest.importorskip("boto3")
    client = boto3.client(
        "s3",
        region_name="us-east-1",
        endpoint_url=endpoint,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )
    client.create_bucket(Bucket=_BUCKET)
    provider = {
        "module": "s3_storage_provider.S3StorageProviderBackend",
        "store_local": True,
        "store_remote": True,
        "store_synchronous": True,
        "config": _options(endpoint),
    }
    homeserver = Homeserver(tmp_path / "synapse")
    store = homeserver.directory / "media"
    with homeserver:
        user = homeserver.register("user")
        # Before there is a provider.
        early = _upload(homeserver, user, b"early")
    homeserver = Homeserver(
        tmp_path / "synapse", overrides={"media_storage_providers": [provider]}
    )
    with homeserver:
        user = homeserver.client.login("user", user.password)
        late = _upload(homeserver, user, b"late")
        _upload(homeserver, user, picture(900, 700), "image/png")
        lost = _upload(homeserver, user, b"lost")
        orphan = f"{_PREFIX}local_content/no/ro/wwww"
        client.put_object(Bucket=_BUCKET, Key=orphan, Body=b"orphan")

        config_path = homeserver.config_path
        as_json = ("--json", "--min-age", "0s")

        def look(kind: str = "local_files") -> dict[str, int]:
            report = json.loads(run_disk(config_path, *as_json))
            figures = report["kinds"][kind]
            (found,) = figures["providers"].values()
            counts = {name: tally["media_count"] for name, tally in found.items()}
            counts["lost"] = figures["without_file"]["media_count"]
            return {name: count for name, count in counts.items() if count}

        assert look() == {"stored": 4, "both": 3, "only_local": 1, "without_row": 1}
        thumbnails = look("local_thumbnails")
        assert thumbnails["both"] == thumbnails["stored"] > 0

        # Files that are in neither place.
        client.delete_object(Bucket=_BUCKET, Key=_PREFIX + local_path(lost))
        (store / local_path(lost)).unlink()
        assert look() == {
            "stored": 3,
            "both": 2,
            "only_local": 1,
            "without_row": 1,
            "lost": 1,
        }
        arguments = ("without-file", "--min-age", "0s")
        assert names_in_list(config_path, store, *arguments) == [
            f"mxc://localhost/{lost}"
        ]

        # The script uploads files that are only here, and deletes files that are in
        # both places.
        # First it has to know what there is.
        config = ("--homeserver-config-path", str(config_path))
        _script(tmp_path, "update-db", "0s", *config)
        _script(tmp_path, "check-deleted", str(store))
        upload = (
            *("upload", str(store), _BUCKET),
            *("--endpoint-url", endpoint, "--prefix", _PREFIX),
        )
        _script(tmp_path, *upload)
        assert look() == {"stored": 4, "both": 3, "without_row": 1, "lost": 1}
        _script(tmp_path, *upload, "--delete")
        assert not (store / local_path(late)).exists()
        assert look() == {"stored": 4, "only_provider": 3, "without_row": 1, "lost": 1}
        assert look("local_thumbnails") == {
            "stored": thumbnails["stored"],
            "only_provider": thumbnails["stored"],
        }
        # Synapse fetches a file that is asked for, and keeps it here.
        response = homeserver.client.request(
            "GET",
            f"/_matrix/client/v1/media/download/localhost/{early}",
            token=user.access_token,
        )
        assert (response.status, response.body) == (200, b"early")
        assert look()["stored"] == 4

        # The same by a listing.
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=_BUCKET)
        lines = [
            f"{found['LastModified']:%Y-%m-%d %H:%M:%S} {found['Size']:>10} "
            f"{found['Key']}"
            for page in pages
            for found in page["Contents"]
        ]
        listing = tmp_path / "listing"
        listing.write_text("\n".join(lines))
        # Else the file system may still change how many blocks the files take.
        os.sync()
        by_listing = json.loads(
            run_disk(config_path, *as_json, "--listing", str(listing))
        )
        by_bucket = json.loads(run_disk(config_path, *as_json))
        assert by_listing["kinds"] == by_bucket["kinds"]


def _upload(
    homeserver: Homeserver,
    user: Account,
    content: bytes,
    media_type: str = "text/plain",
) -> str:
    uri = homeserver.client.upload(user, content, media_type=media_type)
    return uri.rpartition("/")[2]


def _script(directory: Path, *arguments: str) -> None:
    """Run `s3_media_upload`, which keeps a database in the directory."""
    script = shutil.which("s3_media_upload", path=sysconfig.get_path("scripts"))
    assert script is not None
    subprocess.run(
        [sys.executable, script, "--no-progress", *arguments],
        cwd=directory,
        env={
            **os.environ,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_DEFAULT_REGION": "us-east-1",
        },
        check=True,
        capture_output=True,
    )

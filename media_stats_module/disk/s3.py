"""The bucket of synapse-s3-storage-provider, listed a page at a time.

boto3 is installed with that provider. Without it, give a listing with --listing.
"""

from collections.abc import Iterator, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from media_stats_module.disk.paths import FOLDERS, Kind
from media_stats_module.disk.walk import FoundFile

# The most files that S3 lists in one request.
_PAGE = 1_000

# For a wrong address. By default, boto3 waits for minutes.
_CONNECT_TIMEOUT_S = 10

# The options of homeserver.yaml, by the parameters of boto3.
_CLIENT_OPTIONS = {
    "region_name": "region_name",
    "endpoint_url": "endpoint_url",
    "aws_access_key_id": "access_key_id",
    "aws_secret_access_key": "secret_access_key",
    "aws_session_token": "session_token",
}


def has_boto3() -> bool:
    """Whether a bucket can be listed here."""
    return find_spec("boto3") is not None


class Bucket:
    """A `Provider`: a bucket, with the options from homeserver.yaml."""

    problem: str | None = None

    def __init__(self, options: Mapping[str, Any]) -> None:
        """
        Args:
            options: the options of the provider in homeserver.yaml.
        """
        self._options = options
        self._bucket = str(options.get("bucket", ""))
        self.prefix = str(options.get("prefix") or "")
        self.name = f"s3://{self._bucket}/{self.prefix}"
        self._opened: Any = None

    def files(self, kind: Kind) -> Iterator[FoundFile]:
        """See `Provider.files`. S3 lists in the order of the bytes."""
        if self.problem is not None:
            return
        start = f"{self.prefix}{FOLDERS[kind].decode()}/"
        before = b""
        try:
            pages = self._client().get_paginator("list_objects_v2")
            for page in pages.paginate(
                Bucket=self._bucket,
                Prefix=start,
                PaginationConfig={"PageSize": _PAGE},
            ):
                for found in page.get("Contents", ()):
                    path = str(found["Key"])[len(self.prefix) :].encode()
                    if path < before:
                        self.problem = (
                            "It does not list its files in the order of their bytes. "
                            "Use --listing."
                        )
                        return
                    before = path
                    if path.endswith(b"/"):
                        # A folder, as some tools make them.
                        continue
                    modified_ts = int(found["LastModified"].timestamp() * 1000)
                    yield FoundFile(path, int(found["Size"]), 0, modified_ts)
        except self._errors() as error:
            reason = " ".join(str(error).split()).rstrip(".")
            self.problem = f"It cannot be listed: {reason}. Use --listing."

    def has(self, path: bytes) -> bool:
        """See `Provider.has`. Costs a request."""
        if self.problem is not None:
            return True
        key = {
            name: self._options[option]
            for name, option in (("SSECustomerKey", "sse_customer_key"),)
            if option in self._options
        }
        if key:
            algorithm = self._options.get("sse_customer_algo", "AES256")
            key["SSECustomerAlgorithm"] = algorithm
        try:
            self._client().head_object(
                Bucket=self._bucket,
                Key=self.prefix + path.decode(errors="replace"),
                **key,
            )
        except self._errors() as error:
            answer = getattr(error, "response", {}).get("Error", {})
            return answer.get("Code") not in ("404", "NoSuchKey")
        return True

    def _client(self) -> Any:
        if self._opened is None:
            boto3: Any = import_module("boto3")
            config: Any = import_module("botocore.config")
            self._opened = boto3.session.Session().client(
                "s3",
                config=config.Config(connect_timeout=_CONNECT_TIMEOUT_S),
                **{
                    # YAML takes some keys for numbers.
                    name: str(self._options[option])
                    for name, option in _CLIENT_OPTIONS.items()
                    if self._options.get(option) is not None
                },
            )
        return self._opened

    def _errors(self) -> tuple[type[Exception], ...]:
        exceptions: Any = import_module("botocore.exceptions")
        # ValueError: the address is none.
        return exceptions.BotoCoreError, exceptions.ClientError, ValueError

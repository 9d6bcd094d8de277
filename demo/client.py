"""A client of a homeserver, for the HTTP APIs that Synapse documents."""

import hmac
import json
import secrets
from collections.abc import Mapping
from hashlib import sha1
from http.client import HTTPConnection, HTTPMessage
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import attr

_TIMEOUT_S = 60.0


@attr.frozen(kw_only=True)
class Account:
    """A user of a homeserver who is logged in.

    Attributes:
        user_id: such as `@alice:example.org`.
        password: the user's password.
        access_token: for requests.
    """

    user_id: str
    password: str = attr.ib(repr=False)
    access_token: str = attr.ib(repr=False)


@attr.frozen(kw_only=True)
class Response:
    """The response to a request.

    Attributes:
        status: such as 200.
        headers: found by name in upper or lower case.
        body: as it was sent.
    """

    status: int
    headers: HTTPMessage
    body: bytes

    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)


class RequestError(Exception):
    """A homeserver refused the request of a method of `Client`."""


class Client:
    """Makes requests, each on a connection of its own.

    Attributes:
        base_url: the URL of the homeserver, or of a proxy in front of it.
    """

    def __init__(self, base_url: str) -> None:
        """
        Args:
            base_url: such as `http://127.0.0.1:8008`.
        """
        self.base_url = base_url
        self._host = urlsplit(base_url).netloc

    def request(
        self,
        method: str,
        path: str,
        *,
        token: str | None = None,
        content: object = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = _TIMEOUT_S,
    ) -> Response:
        """Make a request. Return the response, whatever its status.

        Args:
            method: such as `GET`.
            path: the path after the base URL, with the query string, if any.
            token: the access token.
            content: to send as JSON.
            body: to send as it is, instead of `content`.
            headers: to send beside those that the other arguments make.
            timeout_s: the longest time to wait for the answer.

        Raises:
            OSError: there is nobody to ask, or no answer in time.
        """
        sent: dict[str, str] = {}
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        if content is not None:
            sent["Content-Type"] = "application/json"
            body = json.dumps(content).encode()
        sent.update(headers or {})
        # Not urllib.request, which would follow redirects and use the environment's
        # proxy.
        connection = HTTPConnection(self._host, timeout=timeout_s)
        try:
            connection.request(method, path, body, sent)
            answer = connection.getresponse()
            return Response(
                status=answer.status, headers=answer.headers, body=answer.read()
            )
        finally:
            connection.close()

    def register(
        self,
        localpart: str,
        *,
        shared_secret: str,
        admin: bool = False,
        displayname: str | None = None,
        password: str | None = None,
    ) -> Account:
        """Register a user, and log them in.

        Args:
            localpart: the localpart of the new user's ID.
            shared_secret: the homeserver's `registration_shared_secret`.
            admin: whether the user will be a server admin.
            displayname: the localpart by default.
            password: a random one by default.
        """
        path = "/_synapse/admin/v1/register"
        nonce = self._ask("GET", path)["nonce"]
        password = secrets.token_urlsafe(12) if password is None else password
        signed = (nonce, localpart, password, "admin" if admin else "notadmin")
        mac = hmac.new(shared_secret.encode(), "\0".join(signed).encode(), sha1)
        content = {
            "nonce": nonce,
            "username": localpart,
            "password": password,
            "admin": admin,
            "mac": mac.hexdigest(),
        }
        if displayname is not None:
            content["displayname"] = displayname
        answer = self._ask("POST", path, content=content)
        return Account(
            user_id=answer["user_id"],
            password=password,
            access_token=answer["access_token"],
        )

    def login(self, user: str, password: str) -> Account:
        """Log in.

        Args:
            user: a user ID or its localpart.
            password: the user's.
        """
        answer = self._ask(
            "POST",
            "/_matrix/client/v3/login",
            content={
                "type": "m.login.password",
                "identifier": {"type": "m.id.user", "user": user},
                "password": password,
            },
        )
        return Account(
            user_id=answer["user_id"],
            password=password,
            access_token=answer["access_token"],
        )

    def set_displayname(self, account: Account, displayname: str) -> None:
        """Change a user's displayname. An empty one removes it."""
        self._ask(
            "PUT",
            f"/_matrix/client/v3/profile/{quote(account.user_id)}/displayname",
            token=account.access_token,
            content={"displayname": displayname},
        )

    def set_avatar(self, account: Account, uri: str) -> None:
        """Make an uploaded picture a user's avatar."""
        self._ask(
            "PUT",
            f"/_matrix/client/v3/profile/{quote(account.user_id)}/avatar_url",
            token=account.access_token,
            content={"avatar_url": uri},
        )

    def upload(
        self,
        account: Account,
        body: bytes,
        *,
        media_type: str = "application/octet-stream",
        name: str | None = None,
    ) -> str:
        """Upload a file, and return its `mxc://` URI.

        Args:
            account: the uploader.
            body: the content of the file.
            media_type: such as `image/png`.
            name: the name of the file.
        """
        query = "" if name is None else f"?{urlencode({'filename': name})}"
        answer = self._ask(
            "POST",
            f"/_matrix/media/v3/upload{query}",
            token=account.access_token,
            body=body,
            headers={"Content-Type": media_type},
        )
        uri: str = answer["content_uri"]
        return uri

    def _ask(self, method: str, path: str, **arguments: Any) -> Any:
        """Make a request that must succeed, and return its JSON."""
        response = self.request(method, path, **arguments)
        if response.status != 200:
            raise RequestError(
                f"{method} {path}: {response.status} "
                f"{response.body.decode(errors='replace')}"
            )
        return response.json()

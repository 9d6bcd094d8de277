"""A real OpenID provider (npm's oidc-provider) that also works as Synapse's issuer."""

import json
import shutil
import tempfile
from pathlib import Path

from node_packages import ensure_node_packages, find_node
from realservers.running import RunningServer

from demo.client import Client
from demo.process import ServerProcess, free_port

_SCRIPT = "issuer.mjs"


class Issuer(RunningServer):
    """A running provider. It accepts any password; only `admin` can be an admin.

    Attributes:
        url: its URL, which is also its name as issuer.
        secret: Synapse's secret for it.
    """

    secret = "secret_of_the_issuer"

    def __init__(self, *, redirect_uri: str = "", ttl_s: int = 300) -> None:
        """Start the provider.

        Args:
            redirect_uri: Synapse's redirect URI for single sign-on.
            ttl_s: the lifetime of access tokens.
        """
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        folder = ensure_node_packages().parent
        # In one step, as another process may read it.
        copy = folder / f"{port}-{_SCRIPT}"
        shutil.copy(Path(__file__).with_name(_SCRIPT), copy)
        copy.replace(folder / _SCRIPT)
        options = {
            "port": port,
            "redirectUri": redirect_uri or self.url,
            "secret": self.secret,
            "ttl": ttl_s,
        }
        node = find_node()
        assert node is not None
        self._log_path = Path(tempfile.gettempdir(), f"issuer-{port}.log")
        self._process = ServerProcess(
            "The issuer",
            [node, _SCRIPT, json.dumps(options)],
            self._log_path,
            self._answers,
            directory=folder,
        )
        self._process.start()

    def stop(self) -> None:
        """Stop the provider, unless it is stopped."""
        self._process.stop()
        self._log_path.unlink(missing_ok=True)

    def _answers(self) -> bool:
        path = "/.well-known/openid-configuration"
        return Client(self.url).request("GET", path).status == 200

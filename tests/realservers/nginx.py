"""An nginx. It is in no wheel, so it is the system's, if it has one."""

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType

from realservers.ports import free_port

_START_TIMEOUT_S = 30.0
_STOP_TIMEOUT_S = 30.0

_CONFIG = """
# One process in the foreground, which stays who we are.
daemon off;
master_process off;
pid nginx.pid;
events {{}}
http {{
    access_log off;
    client_body_temp_path temporary/client_body;
    proxy_temp_path temporary/proxy;
    fastcgi_temp_path temporary/fastcgi;
    scgi_temp_path temporary/scgi;
    uwsgi_temp_path temporary/uwsgi;
    server {{
        listen {host}:{port};
{server_block}
    }}
}}
"""


class NginxServer:
    """A running server with one `server` block, on plain HTTP.

    Attributes:
        url: where it listens.
        log_path: the file that it logs errors to.
    """

    host = "127.0.0.1"

    def __init__(self, directory: Path, server_block: str) -> None:
        """Start a server and wait until it listens.

        Args:
            directory: holds its configuration, its log and its temporary files.
            server_block: what is in the `server` block beside `listen`.
        """
        program = find_nginx()
        if program is None:
            raise RuntimeError("There is no nginx: install it, with apt or the like.")
        port = free_port()
        self.url = f"http://{self.host}:{port}"
        self.log_path = directory / "nginx.log"
        (directory / "temporary").mkdir(parents=True)
        config_path = directory / "nginx.conf"
        config_path.write_text(
            _CONFIG.format(host=self.host, port=port, server_block=server_block)
        )
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    program,
                    *("-p", str(directory)),
                    *("-c", str(config_path)),
                    *("-e", str(self.log_path)),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C is for the test run, which then stops the server itself.
                start_new_session=True,
            )
        try:
            self._wait_until_ready(port)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the server, unless it is stopped."""
        self._process.terminate()
        try:
            self._process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> "NginxServer":
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _wait_until_ready(self, port: int) -> None:
        deadline = time.monotonic() + _START_TIMEOUT_S
        while True:
            try:
                socket.create_connection((self.host, port), timeout=5).close()
                return
            except OSError as error:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    log = self.log_path.read_text(errors="replace")
                    raise RuntimeError(f"nginx did not start:\n{log}") from error
            time.sleep(0.05)


def find_nginx() -> str | None:
    """The path of the program, which need not be on everybody's PATH."""
    return shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")

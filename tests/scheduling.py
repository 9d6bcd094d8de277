"""How pytest-xdist shares out the tests among its processes."""

from xdist.scheduler import (  # type: ignore[import-untyped]
    LoadScopeScheduling,
)


class ScheduleByServers(LoadScopeScheduling):  # type: ignore[misc]
    """Keeps tests that share a server in one process, and spreads the others.

    Methods of a class may share a homeserver of Synapse's harness. Functions share the
    servers of their file, and those of `dashboard/` one browser. Large groups start
    first.
    """

    def _split_scope(self, nodeid: str) -> str:
        path, *names = nodeid.split("::")
        if len(names) > 1:
            return f"{path}::{names[0]}"
        folder, _, _ = path.rpartition("/")
        return folder if folder.endswith("/dashboard") else path

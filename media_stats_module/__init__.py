"""A Synapse module that reports which users, servers and files fill the media store.

Public names: the class that homeserver.yaml loads, and the version. All else is private
to the package and may change in any release.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from media_stats_module.module import MediaStatsModule

__all__ = ["MediaStatsModule", "__version__"]

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Import the class only when Synapse asks for it (PEP 562).

    The command line imports this package, too. It should not wait for all of Synapse
    before it shows its help.
    """
    if name != "MediaStatsModule":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from media_stats_module.module import MediaStatsModule

    return MediaStatsModule

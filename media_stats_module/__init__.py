"""A Synapse module that answers who and what fills the media storage.

The public names: what homeserver.yaml loads, and the version. Everything else is
private to the package and may change in any release.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from media_stats_module.module import MediaStatsModule

__all__ = ["MediaStatsModule", "__version__"]

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Import the module when Synapse asks for it (PEP 562).

    The command line imports this package, too, and should not have to wait for all of
    Synapse before it shows its help.
    """
    if name != "MediaStatsModule":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from media_stats_module.module import MediaStatsModule

    return MediaStatsModule

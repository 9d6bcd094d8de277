"""A Synapse module that answers who and what fills the media storage.

The public names: what homeserver.yaml loads, and the version. Everything else is
private to the package and may change in any release.
"""

from media_stats_module.module import MediaStatsModule

__all__ = ["MediaStatsModule", "__version__"]

__version__ = "0.1.0"

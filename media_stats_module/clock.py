"""The time, as Synapse tells it."""

from synapse.module_api import ModuleApi


def current_time_ms(api: ModuleApi) -> int:
    """Milliseconds since the epoch."""
    # In the module API only of late, as `get_current_time_msec`.
    return int(api._clock.time_msec())

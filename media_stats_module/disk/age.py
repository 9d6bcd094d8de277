"""The age from which files and rows are judged."""

import attr


@attr.frozen
class Age:
    """The ages that decide about files and rows.

    Attributes:
        now_ts: the start of the comparison, in milliseconds since the epoch.
        min_age_ms: the age from which a file or row is judged, in milliseconds.
        unused_expiration_ms: the longest that an upload can be pending, likewise.
    """

    now_ts: int
    min_age_ms: int
    unused_expiration_ms: int

    def is_young(self, ts: int | None) -> bool:
        """Whether a file or row of that time is too young to be judged."""
        return ts is not None and ts > self.now_ts - self.min_age_ms

    def is_open(self, created_ts: int | None) -> bool:
        """Whether a pending upload of that time can still be completed."""
        return created_ts is not None and self.is_young(
            created_ts + self.unused_expiration_ms
        )

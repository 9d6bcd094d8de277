"""What is too young to be judged."""

import attr


@attr.frozen
class Age:
    """How old files and rows must be.

    Attributes:
        now_ts: when the comparison begins, in milliseconds since the epoch.
        min_age_ms: how old a file or row has to be, in milliseconds.
        unused_expiration_ms: how long an upload can be pending.
    """

    now_ts: int
    min_age_ms: int
    unused_expiration_ms: int

    def is_young(self, ts: int | None) -> bool:
        """Whether something of that time is not judged."""
        return ts is not None and ts > self.now_ts - self.min_age_ms

    def is_open(self, created_ts: int | None) -> bool:
        """Whether a pending upload of that time can still be completed."""
        return created_ts is not None and self.is_young(
            created_ts + self.unused_expiration_ms
        )

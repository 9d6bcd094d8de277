"""Rollups: totals in tables of the module's own in PostgreSQL, exact at every read.

Triggers on Synapse's media tables append to a change log, in the transaction that
changes the media. A read adds the change log to the totals, in one snapshot. Applying
moves the log into the totals. Building computes the totals from the media.

Triggers only append, because Synapse runs PostgreSQL at REPEATABLE READ: of two
concurrent uploads that update the same total, one would fail.
"""

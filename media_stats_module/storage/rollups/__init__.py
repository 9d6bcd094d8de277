"""Rollups: totals in tables of the module's own in PostgreSQL, exact at every read.

Triggers on Synapse's media tables append to a change log, in the transaction that
changes the media. A read adds the change log to the totals, in one snapshot; applying
moves the log into the totals; building makes the totals anew from the media.

Synapse's transactions only ever append: it runs PostgreSQL at REPEATABLE READ, where
two concurrent uploads that updated the same total would not both succeed.
"""

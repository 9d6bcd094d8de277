"""Totals that the module keeps in Synapse's database, exact at every read.

Per source of media (local and remote) there are four tables: totals per owner,
totals per day, a log of changes, and one that is empty unless a change could not be
logged. Triggers on Synapse's media tables append to the log, in the transaction that
changes the media. Reading adds the log to the totals, in one snapshot; folding moves
the log into the totals; building makes the totals anew from the media.

The log is only ever appended to by Synapse's transactions. Synapse runs PostgreSQL at
the isolation level REPEATABLE READ, where two concurrent uploads that updated the same
total would fail, one of them.
"""

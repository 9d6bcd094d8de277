"""HTTP: one small resource per endpoint. Authenticate, parse, ask storage, respond.

No SQL and no decision about numbers belongs here.
"""

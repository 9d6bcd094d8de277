"""HTTP: the admin check, endpoints as JSON or CSV, headers and errors. No SQL.

The endpoints themselves are described in `endpoints`.
"""

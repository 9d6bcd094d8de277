"""HTTP: who may ask, an endpoint as JSON or CSV, headers and errors.

What the endpoints are is said in `endpoints`. There is no SQL here.
"""

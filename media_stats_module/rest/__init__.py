"""HTTP: each endpoint is a small resource.

A resource checks that an admin asks, reads the parameters, asks storage and responds.
There is no SQL here, and nothing is counted here.
"""

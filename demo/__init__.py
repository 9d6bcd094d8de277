"""A real Synapse with the module, for a first look: `python3 demo`.

`homeserver.py`, `client.py` and `process.py` start a real Synapse and send requests;
tests and benchmarks use them, too. `__main__.py` is the demonstration.
"""

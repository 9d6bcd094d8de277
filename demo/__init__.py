"""A real Synapse with the module, for a first look: `python3 demo`.

`homeserver.py`, and what it stands on, is of use wherever a real Synapse is wanted, so
it knows nothing about demonstrations. `__main__.py` is the demonstration.
"""

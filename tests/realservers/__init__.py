"""Real servers for tests and benchmarks, from wheels: no system package, root or not.

Each module holds one server as a class: it starts in its own directory on its own
port, and `stop()` or leaving the `with` block ends it.
"""

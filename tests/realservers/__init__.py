"""Real servers for tests and benchmarks, from wheels: no system package, root or not.

Each module has one server as a class. It starts in its own directory on its own port.
`stop()`, or the end of the `with` block, stops it.
"""

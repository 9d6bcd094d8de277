"""The error of all commands."""


class RefusedError(Exception):
    """The command cannot do its work; the reason in one sentence."""

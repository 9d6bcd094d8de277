"""The errors of the command `disk`."""


class RefusedError(Exception):
    """The command cannot do its work; the reason in one sentence."""


class ProviderError(Exception):
    """A storage provider cannot be listed; the reason in one sentence."""

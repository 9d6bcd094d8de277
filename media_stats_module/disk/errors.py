"""What can go wrong."""


class RefusedError(Exception):
    """The command cannot do its work; the reason in one sentence."""


class ProviderError(Exception):
    """What a storage provider has cannot be read; the reason in one sentence."""

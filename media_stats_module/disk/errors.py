"""The error of storage providers."""


class ProviderError(Exception):
    """A storage provider cannot be listed; the reason in one sentence."""

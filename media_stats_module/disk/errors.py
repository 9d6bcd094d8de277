"""What can go wrong with a storage provider or a listing of it."""


class ProviderError(Exception):
    """What a storage provider has cannot be read; the reason in one sentence."""

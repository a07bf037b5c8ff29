"""Loaders of formats other than plain text; each runs in the parser process."""

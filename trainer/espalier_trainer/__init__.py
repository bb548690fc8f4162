"""Espalier's trainer: pulls training runs from a server over /trainer/v1 and reports back."""

__version__ = "0.1.0"

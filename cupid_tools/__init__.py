"""Predict whether two non-coding RNAs interact, and tell how far the answer can be trusted."""

__version__ = "0.1.0"

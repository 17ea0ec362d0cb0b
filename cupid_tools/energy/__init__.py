"""Interaction energies: engines that compute them, running these over many pairs, and how significant they are."""

"""Locate transmitters with receivers of your own: fit to a table, locate another, with regions and a self-test."""

"""Offers: what is promoted, and everything about it that decides what a click gets."""

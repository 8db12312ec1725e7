"""Loops over bytes, compiled once per machine; reading and parsing use them."""

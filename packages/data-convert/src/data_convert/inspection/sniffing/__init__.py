"""Infers how a file is written from its beginning."""

"""Registries of images: their names, errors and HTTP interface."""

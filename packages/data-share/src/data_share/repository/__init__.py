"""The working tree, DVC's cache and configuration, and git."""

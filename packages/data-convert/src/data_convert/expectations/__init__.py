"""Checks what a dataset expects of its values and parts, while they are converted."""

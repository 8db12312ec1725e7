"""One module per collection of commands."""

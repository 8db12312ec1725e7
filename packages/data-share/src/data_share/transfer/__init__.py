"""Planning a push or a pull, and carrying it out."""

"""A notebook without Docker: in an environment of this machine with exactly the packages of its image."""

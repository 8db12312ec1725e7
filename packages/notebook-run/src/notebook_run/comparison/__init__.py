"""What differs between the run that a capsule records and another run."""

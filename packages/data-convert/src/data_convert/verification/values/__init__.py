"""What texts should become, and fingerprints of that."""

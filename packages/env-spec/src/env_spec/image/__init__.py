"""What follows for an image: its environment, fingerprint, differences, and its bill of materials."""

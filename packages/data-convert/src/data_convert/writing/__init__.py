"""From typed tables to a part on disk: row groups, the footer with its provenance, the rejects file."""

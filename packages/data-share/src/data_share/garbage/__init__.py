"""Objects of a remote or of a cache that nothing needs: found, then removed."""

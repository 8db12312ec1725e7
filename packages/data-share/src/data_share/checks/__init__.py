"""Questions about the remote and the working tree; the hook that asks one before a push."""

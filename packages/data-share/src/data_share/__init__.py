"""What a transfer will move, moving it, checking and mending the remote; around DVC."""

"""The remotes of DVC's configuration, and how they are set up."""

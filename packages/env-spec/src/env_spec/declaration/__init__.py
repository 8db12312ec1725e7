"""What pyproject.toml declares: dependency groups, images and notebooks."""

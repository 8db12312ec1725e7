"""A project's files, as they are on disk or in a commit."""

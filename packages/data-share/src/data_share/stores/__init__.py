"""The objects of a remote: a folder or a bucket."""

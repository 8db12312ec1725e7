"""Converts a dataset on a cluster of Dask: parts are tasks, and a very long file is parsed in ranges."""

"""The files of a dataset as a series: dates in their names, headers over time, and whether all of it is there."""

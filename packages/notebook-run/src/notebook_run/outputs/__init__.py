"""Outputs of cells in the form in which two runs are compared."""

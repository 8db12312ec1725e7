"""Notebooks as stages of DVC: from the parts of the datasets to the results."""

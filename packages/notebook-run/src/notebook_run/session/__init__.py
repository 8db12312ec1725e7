"""A notebook in Jupyter: started, listed, stopped."""

"""The page of an executed notebook, which loads nothing from a network; it is made inside the image."""

"""The program that runs a notebook: it starts inside the image, which has no other module of this repository."""

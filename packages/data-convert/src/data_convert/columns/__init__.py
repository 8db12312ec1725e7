"""What the texts of a column become: typed Arrow arrays, and which texts do not fit."""

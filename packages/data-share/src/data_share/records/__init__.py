"""What DVC's records and objects say, without reading a file."""

"""From raw files to typed tables: sources, their text, blocks of complete records, rows, headers."""

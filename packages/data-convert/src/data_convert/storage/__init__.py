"""Where bytes are: files of a folder, or objects of a bucket; this room parses nothing."""

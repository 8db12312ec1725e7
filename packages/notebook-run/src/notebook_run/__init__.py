"""A notebook with its image and data: compose, headless run, capsule."""

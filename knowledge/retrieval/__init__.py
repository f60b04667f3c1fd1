"""A question to ranked rows, in plain Python: embed, search, fuse, judge."""

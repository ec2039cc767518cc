"""The write side: from a request to a hit in the spool.

`door` tells the steps, `doors` lists the ways in, `build_hit` is the table of contents.
"""

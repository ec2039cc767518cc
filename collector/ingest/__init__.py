"""The write side: from a request to a hit in the spool.

`router` maps paths to handlers, `handler` gives the order of the steps, `formats` decodes,
and `pipeline` is the table of contents of the rules.
"""

"""Invent traffic for `footfall serve --demo`: no browser of it ever was.

`world` says who there could be, `traffic` lets them come, `filling` sends what
they did on the way that real hits go. Nothing else imports this package but
`app`.
"""

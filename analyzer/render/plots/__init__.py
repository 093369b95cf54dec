"""Charts drawn with matplotlib: a module a kind, each with ``draw(chart, axes)``.

Names from a model are drawn as they are: none is taken for mathematics, and what can't be seen is escaped.
"""

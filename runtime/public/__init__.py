"""Modules whose import name is shorter than their place: ``cnnscope.testing`` is ``testing.py`` here.

The repository root is the package `cnnscope`, and holds its front door and nothing else; this folder
stands second in the package's ``__path__``.
"""

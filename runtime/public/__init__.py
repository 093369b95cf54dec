"""Second folder of the package's `__path__`: modules here are cnnscope's own, such as `cnnscope.testing`.

Door: pytest_plugin, testing.
"""

"""What are a model's bytes that came without a file?

They have a name to be shown and no folder, so that no data beside them is looked for; a process of its own
can be sent them.
"""

from __future__ import annotations


class Piped(bytes):
    """A model's bytes as a command read them from standard input; anything that takes bytes takes them."""

    #: what stands where a path is shown
    name = "<stdin>"

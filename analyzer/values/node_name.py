"""What do people know a node by, when its name in the file is a machine's?

Exporters name nodes by counting (``node_Conv_1077``). Such a node's name is a `NodeName`: to a program it is
the name in the file, and it carries the path that people are shown.
"""

from __future__ import annotations


class NodeName(str):
    """The name of a node as the file has it, and the path that people know the node by.

    Equality, hash, order, JSON and f-strings are those of the name in the file; what is written for people
    goes through `shown_name`.

    >>> name = NodeName("node_Conv_1077", "layer3/0/conv1")
    >>> name == "node_Conv_1077", f"{name}", name.path
    (True, 'node_Conv_1077', 'layer3/0/conv1')
    """

    __slots__ = ("path",)

    path: str

    def __new__(cls, name: str, path: str | None = None) -> NodeName:
        """A name; without a path, it is its own until one is given."""
        made = str.__new__(cls, name)
        made.path = name if path is None else path
        return made

    def __reduce__(self) -> tuple[type[NodeName], tuple[str, str]]:
        return NodeName, (str(self), self.path)


def shown_name(text: str) -> str:
    """What people know a node by: its path, where its name is a machine's; any other text as it is.

    >>> shown_name(NodeName("node_Conv_1077", "layer3/0/conv1")), shown_name("/conv1/Conv")
    ('layer3/0/conv1', '/conv1/Conv')
    """
    return text.path if isinstance(text, NodeName) else text

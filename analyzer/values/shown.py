"""How does a value show itself? By what `render` says of it: the only place below that asks there.

`render` is imported when something is shown, so that what is only computed with costs nothing more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cnnscope.analyzer.render.showing import Showing


class Shown:
    """A value that can be printed, by rich too, and that shows itself in a notebook.

    How it looks is said in `analyzer/render/subjects/`, in the module with the name of the class that
    names this one as its base.
    """

    __slots__ = ()

    def __str__(self) -> str:
        return _showing(self).text()

    def __rich__(self) -> object:
        return _showing(self).rich()

    def _repr_html_(self) -> str:
        return _showing(self).fragment()


def _showing(value: Shown) -> Showing:
    from cnnscope.analyzer.render.showing import Showing

    # A class derived from one that is shown is shown likewise.
    subject = next(cls for cls in type(value).__mro__ if Shown in cls.__bases__)
    return Showing(value, subject.__name__)

"""How does a value show itself? By what `render` says of it: the only place below that asks there.

`render` is imported when something is shown, pandas when a DataFrame is asked for: what is only computed
with costs nothing more.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, TypeVar, overload

if TYPE_CHECKING:
    import pandas

    from cnnscope.analyzer.render.showing import Showing

Item = TypeVar("Item", covariant=True)


class Shown:
    """A value that can be printed, by rich too, and that shows itself in a notebook.

    How it looks is said in `analyzer/render/subjects/`, in the module with the name of the class that
    names this one as its base: ``ConventionTotals`` in ``convention_totals.py``.
    """

    __slots__ = ()

    def __str__(self) -> str:
        return _showing(self).text()

    def __rich__(self) -> object:
        return _showing(self).rich()

    def _repr_html_(self) -> str:
        return _showing(self).fragment()


class Answer(Shown):
    """What cnnscope answers with: it shows itself, and is data, rows and one short line as well."""

    __slots__ = ()
    #: columns of `to_dataframe` that there are even without a row
    COLUMNS: ClassVar[Sequence[str]] = ()

    @abstractmethod
    def to_dict(self) -> dict[str, object]:
        """As JSON-ready data."""

    @abstractmethod
    def records(self) -> Iterable[Mapping[str, object]]:
        """The rows of `to_dataframe`, exact and as plain data."""

    @abstractmethod
    def summary(self) -> str:
        """What it is, in a few words."""

    def to_dataframe(self) -> pandas.DataFrame:
        """Its rows as a pandas DataFrame: numbers in columns of numbers, nothing nested in a cell.

        Raises:
            ImportError: pandas isn't installed.
        """
        from cnnscope.analyzer.values.frames import data_frame

        return data_frame(self.records(), self.COLUMNS)

    def __repr__(self) -> str:
        return f"<cnnscope.{type(self).__name__} {self.summary()}>"


class Listing(Answer, Sequence[Item]):
    """An answer that is a sequence of others."""

    __slots__ = ()

    @property
    @abstractmethod
    def items(self) -> tuple[Item, ...]:
        """What it is a sequence of."""

    @overload
    def __getitem__(self, key: int) -> Item: ...
    @overload
    def __getitem__(self, key: slice) -> tuple[Item, ...]: ...
    def __getitem__(self, key: int | slice) -> Item | tuple[Item, ...]:
        return self.items[key]

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[Item]:
        return iter(self.items)


_BASES = {Shown, Answer, Listing}


def _showing(value: Shown) -> Showing:
    from cnnscope.analyzer.render.showing import Showing

    # A class derived from one that is shown is shown likewise.
    subject = next(cls for cls in type(value).__mro__ if _BASES & {*cls.__bases__})
    return Showing(value, subject.__name__)

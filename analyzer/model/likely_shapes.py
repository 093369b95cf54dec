"""Which dimensions does the next stored tensor of a net probably have?

Each length is guessed by several voices: that of the tensor which stood in the same place before, twice
that, a step further, a length of one of the weights before it, a number among the attributes of the node
that reads it. How often a voice was right so far, of tensors read in the same way, is its weight.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence
from typing import TYPE_CHECKING, Final, TypeAlias

from cnnscope.analyzer.model.likely_names import names_to_come
from cnnscope.analyzer.model.stored_rows import spelt

if TYPE_CHECKING:
    from cnnscope.analyzer.model.stored_rows import Dims, Kind, Rows, Stored, Use

Voice: TypeAlias = Hashable

#: neighbours compared for how alike two places in the row are, and places looked at
_NEIGHBOURS: Final = 6
_PLACES: Final = 12
#: places looked at where no node says how a tensor is read
_NAMELESS: Final = 100
#: weights before a tensor whose lengths it may share, and how far back they are
_WEIGHTS: Final = 6
_BACK: Final = 60
#: guesses at one length, and at one tensor's dimensions
_LENGTHS: Final = 6
_MOST: Final = 8
#: what a tensor further back still counts for
_FADING: Final = 0.85

#: how right a voice is taken to be before it was heard; numbers of attributes are the others
_AT_FIRST: Final = {
    "like": 0.5, "twice": 0.35, "half": 0.1, "step": 0.2, "like step": 0.2, "last": 0.3,
    "scaled": 0.5, "weight": 0.1, "before": 0.2,
}  # fmt: skip


class LikelyShapes:
    """What was learnt of the shapes of one model's tensors, and guesses at those to come.

    Tensors are counted in the order of the file, those to come from where the known ones end; a path is
    the dimensions that are assumed of the first of them.
    """

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._stored: Sequence[Stored] = rows.stored
        self._coming: list[str] = []
        self._kinds: list[Kind] = []
        self._of_kind: dict[Hashable, list[int]] = defaultdict(list)
        self._right: dict[Hashable, float] = defaultdict(float)
        self._heard: dict[Hashable, float] = defaultdict(float)
        self._learnt = 0
        # For one look ahead.
        self._likes: dict[int, list[int]] = {}
        self._assumed: dict[int, Kind] = {}
        self._weights: dict[tuple[Kind, int], dict[Voice, float]] = {}

    def learn(self) -> None:
        """Take in the tensors that became known since."""
        self._coming = names_to_come(self._rows)
        count = len(self._stored)
        self._kinds = [self._kind_of(i) for i in range(count + len(self._coming))]
        self._of_kind.clear()
        for i, kind in enumerate(self._kinds):
            for each in _alike(kind):
                self._of_kind[each].append(i)
        self._likes.clear()
        self._assumed.clear()
        self._weights.clear()
        for i in range(self._learnt, count):
            self._hear(i)
        self._learnt = count

    def name(self, ahead: int) -> str:
        """What the tensor so far ahead is called; empty where that isn't known."""
        return self._coming[ahead] if ahead < len(self._coming) else ""

    def guesses(self, path: tuple[Dims, ...]) -> list[tuple[float, Dims, Stored]]:
        """Dimensions of the tensor behind a path, the likeliest first, and a stored one like it."""
        i = len(self._stored) + len(path)
        template = self._template(i)
        if template is None:
            return []
        declared = self._rows.declared.get(self.name(len(path)))
        if declared is not None:
            return [(0.99, declared, template)]
        likes = self._likes_of(i)
        if not likes:
            return []
        weights, before = self._past(i, path)
        found: list[tuple[float, Dims]] = [(1.0, ())]
        for axis in range(len(self._dims(likes[0], path))):
            sums: dict[int, float] = defaultdict(float)
            for voice, length in self._voices(i, axis, path, weights, before):
                sums[length] += self._weight(self._kind(i), axis, voice)
            whole = sum(sums.values())
            most = sorted(((x / whole, length) for length, x in sums.items()), reverse=True)
            found = sorted(
                ((p * q, (*dims, n)) for p, dims in found for q, n in most[:_LENGTHS]), reverse=True
            )[:_MOST]
        return [(chance, dims, template) for chance, dims in found]

    # Which tensors are like which

    def _use(self, i: int) -> Use | None:
        count = len(self._stored)
        name = self._stored[i].name if i < count else self.name(i - count)
        return self._rows.uses.get(name)

    def _kind_of(self, i: int) -> Kind:
        use = self._use(i)
        if use is not None:
            return use.kind
        if i >= len(self._stored):
            return ()
        stored = self._stored[i]
        return len(stored.dims), stored.dims[2:], stored.data_type, spelt(stored.name)

    def _kind(self, i: int) -> Kind:
        if i < len(self._kinds):
            return self._kinds[i]
        if i not in self._assumed:
            likes = self._likes_of(i)
            self._assumed[i] = self._kind(likes[0]) if likes else ()
        return self._assumed[i]

    def _likes_of(self, i: int) -> list[int]:
        """The tensors before one that it is probably like: read alike, among others read alike."""
        if i in self._likes:
            return self._likes[i]
        named = i < len(self._kinds)
        places: Sequence[int] = ()
        if named:
            for each in _alike(self._kinds[i]):
                row = self._of_kind[each]
                end = bisect_left(row, i)
                if end:
                    places = row[max(0, end - _PLACES) : end]
                    break
        else:
            before = self._kind(i - 1)
            places = [j for j in range(max(1, i - _NAMELESS), i) if self._kind(j - 1) == before]
        alike = []
        for j in places:
            same = self._same(i, j, -1)
            if named:
                same += self._same(i, j, 1)
            alike.append((same, j))
        alike.sort(reverse=True)
        self._likes[i] = [j for _, j in alike[:3]]
        return self._likes[i]

    def _same(self, i: int, j: int, way: int) -> int:
        """How many neighbours of two places are of the same kinds."""
        for k in range(1, _NEIGHBOURS + 1):
            a, b = i + way * k, j + way * k
            if b < 0 or (way > 0 and a >= len(self._kinds)) or self._kind(a) != self._kind(b):
                return k - 1
        return _NEIGHBOURS

    def _last(self, i: int) -> int:
        """The tensor before one that is called and read alike; -1 for none."""
        row = self._of_kind[_called(self._kind(i))]
        at = bisect_left(row, i)
        return row[at - 1] if at else -1

    def _template(self, i: int) -> Stored | None:
        count = len(self._stored)
        for each in _alike(self._kind(i)):
            row = self._of_kind[each]
            at = bisect_left(row, count)
            if at:
                return self._stored[row[at - 1]]
        return self._stored[-1] if count else None

    # Voices

    def _dims(self, i: int, path: tuple[Dims, ...]) -> Dims:
        count = len(self._stored)
        return self._stored[i].dims if i < count else path[i - count]

    def _past(self, i: int, path: tuple[Dims, ...]) -> tuple[list[Dims], list[Dims]]:
        """The weights before a tensor, and the tensors of any kind, the nearest first."""
        before = [self._dims(j, path) for j in range(i - 1, max(-1, i - _BACK), -1)]
        return [dims for dims in before if len(dims) > 1][:_WEIGHTS], before[:3]

    def _voices(
        self, i: int, axis: int, path: tuple[Dims, ...], weights: list[Dims], before: list[Dims]
    ) -> Iterator[tuple[Voice, int]]:
        """What each voice says of one length."""
        likes = self._likes_of(i)
        for n, j in enumerate(likes):
            dims = self._dims(j, path)
            if axis < len(dims):
                yield ("like", n), dims[axis]
                if not n and axis < 2:
                    yield from self._onwards(i, j, axis, path)
        if axis < 2:
            for n, dims in enumerate(weights):
                yield ("weight", n, 0), dims[0]
                yield ("weight", n, 1), dims[1]
            for n, dims in enumerate(before):
                if dims:
                    yield ("before", n), dims[0]
        use = self._use(i)
        if use is not None:
            yield from use.numbers.items()

    def _onwards(
        self, i: int, like: int, axis: int, path: tuple[Dims, ...]
    ) -> Iterator[tuple[Voice, int]]:
        """From the tensor that one is like on: wider, narrower, a step further, as the one before it."""
        length = self._dims(like, path)[axis]
        if length > 1:
            yield "twice", 2 * length
        if length > 1 and length % 2 == 0:
            yield "half", length // 2
        last = self._last(i)
        if last >= 0 and axis < len(self._dims(last, path)):
            had = self._dims(last, path)[axis]
            yield "last", had
            for voice, j in (("step", last), ("like step", like)):
                one, other = self._dims(j, path), self._last(j)
                if other >= 0 and axis < min(len(one), len(self._dims(other, path))):
                    step = one[axis] - self._dims(other, path)[axis]
                    if step and had + step > 0:
                        yield voice, had + step
        if not axis:
            for j in range(i - 1, max(-1, i - 12), -1):
                dims, its = self._dims(j, path), self._likes_of(j)
                if len(dims) > 1:
                    other_dims = self._dims(its[0], path) if its else ()
                    if len(other_dims) == len(dims) and other_dims[0]:
                        yield "scaled", length * dims[0] // other_dims[0]
                    break

    def _hear(self, i: int) -> None:
        """Note which voices were right of a tensor that is known by now."""
        weights, before = self._past(i, ())
        kind = self._kinds[i]
        for axis, length in enumerate(self._stored[i].dims):
            for voice, said in self._voices(i, axis, (), weights, before):
                for whose in (_called(kind), _read(kind)):
                    key = whose, axis, voice
                    self._right[key] = _FADING * self._right[key] + (said == length)
                    self._heard[key] = _FADING * self._heard[key] + 1

    def _weight(self, kind: Kind, axis: int, voice: Voice) -> float:
        """What a voice counts for: the odds that it is right, by those called and read alike, then by any."""
        known = self._weights.setdefault((kind, axis), {})
        if voice not in known:
            word = voice[0] if isinstance(voice, tuple) else voice
            right = (
                0.3 if voice == ("weight", 0, 0) and axis == 1 else _AT_FIRST.get(str(word), 0.1)
            )
            for whose in (_read(kind), _called(kind)):
                key = whose, axis, voice
                right = (self._right.get(key, 0.0) + right) / (self._heard.get(key, 0.0) + 1)
            known[voice] = (right / (1.04 - right)) ** 2
        return known[voice]


def _called(kind: Kind) -> Kind:
    """Of a kind, by which operator it is read, as which input, and how both are called."""
    return kind[:5]


def _read(kind: Kind) -> Kind:
    """Of a kind, by which operator it is read, and as which input."""
    return kind[:3]


def _alike(kind: Kind) -> list[Hashable]:
    """What tensors of a kind have in common with others, the closest first."""
    if len(kind) < 6:
        return [kind] if kind else []
    return [kind, _called(kind), _read(kind), ("input", kind[2])]

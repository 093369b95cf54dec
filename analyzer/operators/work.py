"""What work does an operator do, in exact counts of primitive arithmetic?"""

from __future__ import annotations

from operator import add, attrgetter

from cnnscope.analyzer.values.dimension import Dim
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.tensor import Tensor


@dataclass(frozen=True, slots=True)
class Work:
    """Exact counts of primitive arithmetic.

    Args:
        float_macs, int_macs: products accumulated in convolutions, matrix products, attention,
            recurrence and einsum, without bias; integer where both operands are integers.
        bias: additions of a bias inside such an operator.
        mul, add, compare, div: elementwise; compare includes max, min, abs, sign, logic, rounding.
        exp: exponentials and their like (log, tanh, erf, sigmoid, sine, power).
        sqrt: roots.
    """

    float_macs: Dim = 0
    int_macs: Dim = 0
    bias: Dim = 0
    mul: Dim = 0
    add: Dim = 0
    compare: Dim = 0
    div: Dim = 0
    exp: Dim = 0
    sqrt: Dim = 0

    @property
    def macs(self) -> Dim:
        """Multiply-accumulates, integer and float."""
        return self.float_macs + self.int_macs

    @property
    def other(self) -> Dim:
        """Every arithmetic operation that isn't part of a multiply-accumulate."""
        return self.bias + self.mul + self.add + self.compare + self.div + self.exp + self.sqrt

    @property
    def flops(self) -> Dim:
        """2 * MACs + every other arithmetic operation once.

        >>> Work(float_macs=10, bias=3).flops
        23
        """
        return 2 * self.macs + self.other

    def __add__(self, other: Work) -> Work:
        return Work(*map(add, counts(self), counts(other)))

    def __mul__(self, times: Dim) -> Work:
        return Work(*[count * times for count in counts(self)])


#: every count of a `Work`, in the order of its fields
counts = attrgetter(*Work.__dataclass_fields__)
NO_WORK = Work()


def matrix_work(macs: Dim, *operands: Tensor, bias: Dim = 0) -> Work:
    """Work of a matrix product: integer where no operand is a float."""
    if any(operand.is_float or operand.dtype is None for operand in operands):
        return Work(float_macs=macs, bias=bias)
    return Work(int_macs=macs, bias=bias)

"""What is said of lengths that begin beyond those that sets are kept of, and of names that are none?"""

from __future__ import annotations

import onnx
import pytest

import cnnscope
from cnnscope.analyzer.values.diagnostics import BindingError

HEAD = '<ir_version: 9, opset_import: ["": 18]> g (float[1,1,H] x) => (float[1,1,L] y)'


def pooled(kernel: int, stride: int = 1) -> cnnscope.ValidSizes:
    body = f"{{ y = MaxPool<kernel_shape = [{kernel}], strides = [{stride}]>(x) }}"
    return cnnscope.sizes(onnx.parser.parse_model(f"{HEAD} {body}"))


@pytest.mark.parametrize("kernel", [2, 1000, 2**20 - 1, 2**20])
@pytest.mark.parametrize("stride", [1, 7])
def test_a_kernel_fits_into_its_own_length(kernel: int, stride: int) -> None:
    """Of one of 2^20 with stride 7 the formula's bound is further off than sets are kept: its first isn't."""
    found = pooled(kernel, stride)
    assert (found.exact, found["H"].runs()[0].least) == (True, kernel)
    assert [found.admits(H=n) for n in (kernel - 1, kernel, kernel + 1)] == [False, True, True]


@pytest.mark.parametrize("kernel", [2**20 + 1, 2_000_000, 2**31])
@pytest.mark.parametrize("stride", [1, 7])
def test_what_begins_further_off_is_told_in_words(kernel: int, stride: int) -> None:
    found = pooled(kernel, stride)
    assert not found.exact
    assert f"holds from H = {kernel:,} on only" in found.doubts[0]
    assert not found.admits(H=1000)
    assert found.to_dict()["valid"][0]["min"] == 2**20  # type: ignore[index]  # none is left out


@pytest.mark.parametrize(
    ("free", "said"),
    [
        ("x:2=1", "a name, and no length: --free x:2=H and, for the length, --dim H=1"),
        ("x:2= 224", "--dim H=224"),
        ("224x224", "give names joined by x, such as HxW"),
    ],
)
def test_a_number_is_no_name(free: str, said: str) -> None:
    fixed = onnx.parser.parse_model(HEAD.replace("[1,1,H]", "[1,1,8]") + " { y = Relu(x) }")
    with pytest.raises(BindingError) as raised:
        cnnscope.sizes(fixed, free=free)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)

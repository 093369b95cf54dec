"""A name that isn't there: does the line that refuses it say which was meant, or which there are?"""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest

from cnnscope.analyzer.budgets.quantities import QUANTITIES
from cnnscope.cli import main

TEXT = """<ir_version: 8, opset_import: ["" : 17]>
g (float[N,3,height,8] image, int64[1] k) => (float[N,3,height,8] y) { y = Relu(image) }"""


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("check {} --limit mac=1G", "--limit mac=1G: there is no quantity 'mac'; did you mean macs?"),
        ("check {} --limit Weight-Bytes=1", "did you mean weights?"),
        ("check {} --limit latency=3ms", "did you mean latency_p50 or latency_p99?"),
        ("check {} --limit modul.a.macs=1", "did you mean module.a.macs?"),
        ("check {} --limit module.a.mac=1", "did you mean module.a.macs?"),
        ("check {} --limit module.macs=1", "--limit module.macs=1: which module? Write module.NAME.macs"),
        ("check {} --limit module.a.opsets=1", "there are: params (learned weight elements), "),
        ("check {} --limit operators.forbit=Conv", "did you mean operators.forbid?"),
        ("check {} --limit macs=1 --limit flops=abc", '--limit flops=abc: "abc" is no amount: write "4.2 G"'),
        ("check {} --limit macs=3Q", 'the unit "Q" isn\'t known (there are k, M, G, T, P, E): write "4.2 G"'),
        ("check {} --limit weights=3Q", "(there are B, kB, MB, "),
        ("check {} --limit macs", "--limit macs: 'macs' is no limit: write one such as macs=4.2G"),
        ("check {} --report sarf=x --limit macs=1", "no format is 'sarf'; did you mean sarif?"),
        ("{} --columns outptu", "did you mean 'output'? there are: index, name, "),
        ("{} --columns zzz", "there are: index, name, "),
        ("{} --sort mac", "did you mean 'macs'?"),
        ("{} --by modul", "'modul' is not one of 'op', 'kind', 'module', 'block'; did you mean module?"),
        ("{} --format jsn", "did you mean json? (see cnnscope analyze --help)"),
        ("{} --dim heigth=8", "did you mean 'height'?"),
        ("{} --dim zzz=8", "free are: N, height"),
        ("{} --shape imgae=1x3x8x8", "did you mean 'image'?"),
        ("{} --shape zzz=1", "there are: image, k"),
        ("{} --value imag=3", "did you mean 'image'?"),
        ("{} --convention thopp", "did you mean 'thop'?"),
        ("{} --only kin=conv", "did you mean 'kind'?"),
        ("{} --srot macs", "no such option: --srot; did you mean --sort? (see cnnscope analyze --help)"),
        ("{} --limit macs=1G", "no such option: --limit; report, check and scan have it (see"),
        ("{} --top", "(see cnnscope analyze --help)"),
        ("lint {} --severity warn", "did you mean warning?"),
        ("lint {} --select unproductive-layer", "did you mean unproductive-layers?"),
        ("rule CNS10", "did you mean CNS101 or CNS102?"),
        ("diff {} {} --fail-on shapes", "--fail-on shapes: there are any, added, "),
        ("diff {} {} --fail-on shapes", "; did you mean shape?"),
        ("profile {} --sort tim", "did you mean 'time'?"),
        ("verify {} --dim height=8 --value k=1 --provider cudda", "(here: cpu"),
        ("baseline wirte", "did you mean write?"),
        ("operators Convv", "did you mean Conv?"),
    ],
)  # fmt: skip
def test_what_was_meant(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], line: str, said: str
) -> None:
    onnx.save(onnx.parser.parse_model(TEXT), tmp_path / "m.onnx")
    with pytest.raises(SystemExit, match="2"):
        main([str(tmp_path / "m.onnx") if word == "{}" else word for word in line.split()])
    out, err = capfd.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert said in err


def test_all_quantities_are_listed_with_their_meanings(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["check", "m.onnx", "--limit", "zzz=1"])
    err = capfd.readouterr().err
    assert err.count("\n") == 1
    assert "..." not in err
    for key, quantity in QUANTITIES.items():
        assert f" {key} ({quantity.meaning})" in err or key == quantity.meaning
    assert "operators.forbid (operators that the model may not have)" in err

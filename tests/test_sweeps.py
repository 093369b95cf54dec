"""Are the costs over sizes those that the analysis of each single size gives?"""

from __future__ import annotations

import json
import random
from collections import defaultdict
from pathlib import Path

import onnx
import pytest
from amounts import amount, some

import cnnscope
from cnnscope.analyzer.report.examination import examine
from cnnscope.analyzer.report.gathering import report_of
from cnnscope.analyzer.report.layer import Layer
from cnnscope.analyzer.values.diagnostics import BindingError
from cnnscope.cli import main

SAMPLES = [
    "lenet5.onnx", "alexnet.onnx", "vgg16.onnx", "resnet50.onnx", "mobilenet_v2.onnx", "unet.onnx",
    "fcn8s.onnx", "xception.onnx", "googlenet.onnx", "densenet121.onnx", "efficientnet_b0.onnx",
    "deeplabv3_resnet50.onnx", "vit_b_16.onnx",
]  # fmt: skip
DYNAMIC = [
    "hm_crnn_lstm", "hm_espcn_x3", "hm_fpn3_dynsize", "hm_shape_arith", "hm_unet_deconv", "hm_wavenet",
    "tv_fcn_resnet50.legacy_dyn", "tv_lraspp_mobilenet_v3_large.dynamo_dyn", "tv_mobilenet_v2.dynamo_dyn",
    "tv_mobilenet_v2.legacy_dyn", "tv_resnet18.dynamo_dyn", "tv_resnet18.legacy_dyn",
    "tv_shufflenet_v2_x1_0.legacy_dyn", "tv_squeezenet1_1.legacy_dyn",
]  # fmt: skip


def row_of(layer: Layer) -> dict[str, object]:
    shape = "x".join(map(str, layer.output_shape or ()))
    figures = ("params", "weight_bytes", "macs", "flops", "bytes_read", "bytes_written")
    return {
        "layer": layer.path,
        "op": layer.op,
        "output": shape or "scalar",
        **{key: getattr(layer, key) for key in figures},
    }


def held(model: object, free: tuple[str, ...], seed: int, count: int) -> None:
    """Totals and every layer column at random lengths, against the analysis of each single size."""
    draw = random.Random(seed)
    valid = cnnscope.sizes(model, free=free)  # type: ignore[arg-type]  # a path or a model
    assert valid.smallest is not None
    names = list(valid.smallest)
    dims = {}
    for name, least in valid.smallest.items():
        lengths = {
            valid[name].lengths.up(least + draw.randint(0, 6 * least + 20)) for _ in range(3)
        }
        dims[name] = sorted({least, least + 1, *(n for n in lengths if n)})
    found = cnnscope.sweep(model, dims, free=free)  # type: ignore[arg-type]
    rows = list(found.records())
    layers: dict[tuple[object, ...], list[dict[str, object]]] = defaultdict(list)
    for row in found.layers():
        layers[tuple(row.pop(name) for name in names)].append(row)
    for row in draw.sample(rows, min(count, len(rows))):
        size = {name: row[name] for name in names}
        if row["valid"] is None:  # it hangs on an analysis of its own, of which there are so many
            assert found.asked == 64, size
            assert {row[name] for name in found.totals} == {None}
            continue
        assert row["valid"] == valid.admits(**size), size  # type: ignore[arg-type]
        if not row["valid"]:
            assert {row[name] for name in found.totals} == {None}
            continue
        single = report_of(examine(model, free=free, dims=size))  # type: ignore[arg-type]
        for name, metric in single.totals.metrics().items():
            assert row[name] == metric.value, (size, name)
        outputs = [x.shape for x in single.outputs]
        assert [row[f"output {x.name}"] for x in single.outputs] == [
            "x".join(map(str, s or ())) for s in outputs
        ]
        assert layers[tuple(size.values())] == [row_of(layer) for layer in single.layers], size


@pytest.mark.parametrize(
    "model", ["lenet5.onnx", "resnet50.onnx"] if amount(1, 2) == 1 else SAMPLES
)
@pytest.mark.parametrize("seed", range(amount(1, 8)))
def test_samples_opened(samples: Path, model: str, seed: int) -> None:
    held(samples / model, ("HxW",), seed, amount(3, 12))


@pytest.mark.parametrize("name", some(DYNAMIC, 2))
@pytest.mark.parametrize("seed", range(amount(1, 8)))
def test_dynamic_models(corpus: Path, name: str, seed: int) -> None:
    held(next(corpus.rglob(f"{name}.onnx")), (), seed, amount(3, 12))


def test_by_hand() -> None:
    """A 3x3 convolution without padding: 4*3*9 MACs a unit, (H - 2)(W - 2) units."""
    model = onnx.parser.parse_model(
        '<ir_version: 9, opset_import: ["": 18]> g (float[1,3,H,W] x, float[4,3,3,3] w) => (float[1,4,h,v] y)'
        " { y = Conv(x, w) }"
    )
    found = cnnscope.sweep(model, {"H": [2, 5], "W": [7]})
    assert found.sizes == ((2, 7), (5, 7))
    assert found.valid == (False, True)
    assert found.totals["macs"].values == (None, 108 * 3 * 5)
    assert found.outputs["y"] == (None, (1, 4, 3, 5))
    # 105 numbers in, 60 out, and the kernel comes as an input, too
    assert found.totals["peak_activation_bytes"].values[1] == 4 * (105 + 60 + 108)
    assert found.totals["macs"].to_dict()["leading"] == [{"factor": "108", "names": ["H", "W"]}]


def test_what_has_no_formula_has_no_number() -> None:
    model = onnx.parser.parse_model(
        '<ir_version: 9, opset_import: ["": 18, "mine": 1]> g (float[1,3,H,8] x) => (float[1,3,H,8] y)'
        " { t = mine.Strange(x) y = Relu(t) }"
    )
    found = cnnscope.sweep(model, {"H": range(4, 7)})
    assert found.totals["flops"].values == (None, None, None)
    assert "mine::Strange" in found.totals["flops"].why
    assert found.totals["params"].values == (0, 0, 0)


def test_where_a_network_works_otherwise_the_analysis_is_asked() -> None:
    """Linear resizing to 8 copies where there are 8 already: no multiplication then."""
    model = onnx.parser.parse_model(
        '<ir_version: 9, opset_import: ["": 18]> g (float[1,1,L] x) => (float[1,1,8] y)'
        ' <int64[3] to = {1, 1, 8}> { y = Resize<mode="linear">(x, , , to) }'
    )
    found = cnnscope.sweep(model, {"L": [7, 8, 9]})
    assert found.totals["flops"].values == (24, 0, 24)  # 2 taps an output: 16 products, 8 sums
    assert found.asked == 1


@pytest.mark.parametrize(
    ("dims", "said"),
    [
        ({"H": [8]}, "dimension W is free, too"),
        ({"H,W": 8}, "no dimension has several lengths"),
        ({"H,W": [8], "D": [1]}, "no input has a free dimension 'D'; free are: H, W"),
        ({"H,W": range(1, 1 << 21)}, "at most 1048576 lengths"),
        ({"H": range(1, 1000), "W": range(1, 1000)}, "999 x 999 sizes are more than 131072"),
        ({"H,W": range(0)}, "the range has no length"),
        ({"H,W": []}, "no length is given"),
        ({"H,W": [8, "9"]}, "is no length"),
        ({"H,W": [-1]}, "a length is from 0"),
        ({"H,W": [10**5000]}, "a length is from 0"),
        ({"H,W": [8], "H": 4}, "dimension H is given twice"),
        ([8], "a dict"),
    ],
)  # fmt: skip
def test_what_cant_be_asked_is_told(samples: Path, dims: object, said: str) -> None:
    with pytest.raises(BindingError, match=said):
        cnnscope.sweep(samples / "lenet5.onnx", dims, free="HxW")  # type: ignore[arg-type]


def run(capfd: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stop:
        main(["analyze", *words])
    return int(stop.value.code or 0), *capfd.readouterr()


def test_the_command(samples: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Published for ResNet-50: 4.09 G multiply-adds at 224."""
    resnet = str(samples / "resnet50.onnx")
    code, out, err = run(capfd, resnet, "--free", "HxW", "--dim", "H,W=224..288:32")
    assert (code, err) == (0, "")
    assert "≈ 81.5 k·H·W; exactly" in out
    assert [line.split()[:5] for line in out.splitlines() if "yes" in line] == [
        ["224", "224", "yes", "25.56", "M"], ["256", "256", "yes", "25.56", "M"],
        ["288", "288", "yes", "25.56", "M"],
    ]  # fmt: skip
    code, out, _ = run(
        capfd, resnet, "--free", "HxW", "--dim", "H=224", "--dim", "W=224,256", "--format", "csv"
    )
    assert out.splitlines()[1].startswith("224,true,25557032,")
    code, out, _ = run(
        capfd,
        resnet,
        "--free",
        "HxW",
        "--dim",
        "H,W=224,256",
        "--layer",
        "/conv1/**",
        "--format",
        "json",
    )
    told = json.loads(out)
    assert [row["macs"] for row in told["sizes"]] == [4089184256, 5340348416]
    assert [row["macs"] for row in told["layers"] if row["op"] == "Conv"] == [118013952, 154140672]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--dim", "H=9..4:1"], "give a name and a length"),
        (["--dim", "H=4..9:0"], "give a name and a length"),
        (["--dim", "H=4,x"], "give a name and a length"),
        (["--dim", "=4,5"], "give a name and a length"),
        (["--dim", "H=1..9999999:1"], "at most 1048576 lengths"),
        (["--dim", "H=4,5", "--dim", "H=6"], "given twice"),
        (["--dim", "H=4,5", "--top", "3"], "--top doesn't go with"),
        (["--dim", "H=4,5", "--run"], "--run doesn't go with"),
    ],
)
def test_what_cant_be_asked_of_the_command_is_told(
    samples: Path, capfd: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    code, out, err = run(capfd, str(samples / "lenet5.onnx"), *words)
    assert (code, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1


def test_frames(samples: Path) -> None:
    pytest.importorskip("pandas")
    found = cnnscope.sweep(samples / "lenet5.onnx", {"H,W": [32, 33]}, free="HxW")
    frame = found.to_dataframe()
    assert frame["macs"].tolist() == [416520, *cnnscope.sweep(
        samples / "lenet5.onnx", {"H": [33], "W": [33]}, free="HxW").totals["macs"].values]  # fmt: skip
    layers = found.to_dataframe(layers=True)
    assert layers.groupby("H")["macs"].sum().tolist() == frame["macs"].tolist()


def test_a_thousand_sizes_cost_one_analysis(samples: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One analysis with lengths free, and one at each end to hold it against."""
    from cnnscope.analyzer.sizes import open_costs

    calls = []

    def counted(*args: object, **options: object) -> object:
        calls.append(options)
        return examine(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(open_costs, "examine", counted)
    found = cnnscope.sweep(samples / "resnet50.onnx", {"H,W": range(224, 1224)}, free="HxW")
    assert (len(found), found.asked, len(calls)) == (1000, 0, 3)

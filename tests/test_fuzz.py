"""Hundreds of damaged models: each gives a report or one clear line, in every format, soon.

A seeded sample of what ``tests/fuzz.py`` does for as long as it is told. A failure names the seed's
mutation: ``mutated(data, Random("SEED/NUMBER"))`` gives the same model again.
"""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import jsonschema
import pytest
from amounts import amount, some
from mutations import examine, mutated, time_limit

from cnnscope.analyzer.render.subjects.report import report_schema

MUTATIONS = amount(6, 320)
"""Of each model, near a hundred in all."""
LIMIT_SECONDS = 20.0

SAMPLES = ("lenet5", "unet", "wavenet", "c3d", "alexnet", "fcn8s")[: amount(4, 6)]
CORPUS = (
    "hm_adaptive_pool", "hm_ceil_pool", "hm_conv3d_net", "hm_einsum_net", "hm_fpn3_dynsize",
    "hm_if_loop", "hm_norms", "hm_shape_arith", "hm_unet_deconv", "hx_convtranspose_outshape",
    "hx_local_functions", "hx_loop_if", "hx_old_opset9_ir3", "q_lenet5_dynamic", "q_lenet5_qdq",
    "q_transformer_matmul4bits", "tv_resnet18.dynamo_dyn", "hm_transformer_encoder_rand",
)  # fmt: skip


def fuzzed(path: Path) -> None:
    data = path.read_bytes()
    checker = jsonschema.Draft202012Validator(report_schema())
    outcomes: Counter[str] = Counter()
    for number in range(MUTATIONS):
        dice = random.Random(f"{path.stem}/{number}")
        change = mutated(data, dice)
        validate = checker.validate if number % 10 == 0 else None
        whole = data if number % 10 == 5 and len(data) < 100_000 else None
        try:
            with time_limit(LIMIT_SECONDS):
                outcomes[
                    examine(change.model, dice, validate=validate, strict=False, whole=whole)
                ] += 1
        except BaseException as error:
            error.add_note(f"mutation {path.stem}/{number}: {', '.join(change.done)}")
            raise
    # What is damaged a little is often still a model: else this would test one refusal.
    assert len(outcomes) > 1, outcomes
    assert outcomes["report"], outcomes


@pytest.mark.parametrize("name", SAMPLES)
def test_damaged_samples(name: str, samples: Path):
    fuzzed(samples / f"{name}.onnx")


@pytest.mark.parametrize("name", some(CORPUS, 11))
def test_damaged_corpus(name: str, corpus: Path):
    path = corpus / "models" / f"{name}.onnx"
    if not path.exists():
        pytest.skip("not in this corpus")
    fuzzed(path)


def test_a_seed_gives_the_same_mutation_again(samples: Path):
    data = (samples / "lenet5.onnx").read_bytes()
    for number in range(30):
        one, other = (mutated(data, random.Random(number)) for _ in range(2))
        assert one.done == other.done
        same = [
            m if isinstance(m, bytes) else m.SerializeToString() for m in (one.model, other.model)
        ]
        assert same[0] == same[1]


def test_samples_undamaged(samples: Path):
    """What is asked of damaged models is asked of whole ones, schema and all."""
    checker = jsonschema.Draft202012Validator(report_schema())
    for name in ("lenet5", "googlenet"):
        data = (samples / f"{name}.onnx").read_bytes()
        assert examine(data, random.Random(0), validate=checker.validate) == "report"

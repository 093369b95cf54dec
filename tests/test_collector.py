"""Garbage of earlier models goes, though Python's collector rests while each is analysed."""

from __future__ import annotations

import gc
import weakref

import pytest

from cnnscope.analyzer.values import collector


class Ring:
    """Something that only the cycle collector frees."""

    def __init__(self) -> None:
        self.me = self
        self.much: list[list[int]] = [[] for _ in range(200)]


def rested(turns: int) -> int:
    """How many of the rings made while the collector rested are still there."""
    rings = []
    for _ in range(turns):
        with collector.collector_resting():
            rings.append(weakref.ref(Ring()))
    return sum(ring() is not None for ring in rings)


def test_what_is_left_of_earlier_models_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collector, "_MANY", 2_000)
    monkeypatch.setattr(collector, "_SHARE", 1 << 60)
    assert gc.isenabled()
    assert rested(30) < 20
    assert gc.isenabled()


def test_whoever_has_turned_the_collector_off_keeps_it_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collector, "_MANY", 0)
    gc.disable()
    try:
        assert rested(20) == 20
        assert not gc.isenabled()
    finally:
        gc.enable()

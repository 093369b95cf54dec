"""The commands that need no ONNX Runtime, each with arguments, for a folder where files may be written.

MODEL stands for a model's path.
"""

from __future__ import annotations

from pathlib import Path

STATIC: dict[str, list[str]] = {
    "analyze": ["MODEL"],
    "effective": ["MODEL"],
    "explain": ["MODEL", "0"],
    "filters": [str(Path(__file__).resolve().parent / "data" / "edges.onnx")],
    "export": ["MODEL", "--mermaid", "-", "--netron", "netron.json"],
    "conventions": ["MODEL"],
    "operators": ["Conv"],
    "check": ["MODEL", "--limit", "macs=1T"],
    "baseline": ["write", "MODEL", "-o", "baseline.json"],
    "diff": ["MODEL", "MODEL"],
    "lint": ["MODEL", "--severity", "error"],
    "plot": ["MODEL", "--kind", "field", "-o", "-"],
    "report": ["MODEL", "-o", "-"],
    "rule": ["CNS101"],
    "scan": ["MODEL", "-o", "models.jsonl"],
    "shift": ["MODEL"],
    "sizes": ["MODEL", "--free", "HxW"],
    "stream": ["MODEL", "--axis", "0"],
    "tile": ["MODEL"],
}
SAYS = {"baseline": "cnnscope: baseline.json: written: 1 new\n"}
"""What a command says on standard error besides."""
EXTRA = {"plot": "figures need matplotlib, which can't be imported: pip install 'cnnscope[plot]'"}
"""Commands that need an extra besides, and the line where it isn't there."""
CODES = {"tile": 1}
"""Exit codes other than 0: a network that ends in fully connected layers can't be cut."""

"""Where do layers' rows go? A file for each batch, written by its worker, in one folder beside the table."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from cnnscope.analyzer.fleet.columns import LAYER_COLUMNS
from cnnscope.analyzer.model.whole_file import written_whole
from cnnscope.analyzer.values.diagnostics import ArgumentError
from cnnscope.runtime.fleet.journal import batch_entries, layer_lines
from cnnscope.runtime.fleet.row_files import row_writer
from cnnscope.runtime.fleet.table_meta import table_meta
from cnnscope.runtime.fleet.work_folder import PARTS


def layer_folder(output: Path) -> Path:
    """The folder of a table's layers: ``out.layers.parquet`` beside ``out.parquet``."""
    return output.with_name(f"{output.stem}.layers{output.suffix}")


def check_layer_folder(output: Path) -> None:
    """Whether an earlier scan's layers, and nothing else, would be replaced.

    Raises:
        ArgumentError: there is something else.
    """
    folder = layer_folder(output)
    if not folder.exists() and not folder.is_symlink():
        return
    if folder.is_symlink() or not folder.is_dir() or any(not _is_part(x) for x in folder.iterdir()):
        raise ArgumentError(
            f"{folder}: layers would go there, and it has something else: remove it"
        )


def write_part(folder: Path, number: int, table: str) -> None:
    """Write a batch's layers, in the order of its places; no file where there are none."""
    rows = list(_rows(folder, number))
    if not rows:
        return
    parts = folder / PARTS
    parts.mkdir(mode=0o777, exist_ok=True)
    with written_whole(parts / f"part-{number:06d}.{table}") as file:
        writer = row_writer(table, file, LAYER_COLUMNS, table_meta("layers"))
        for lines in rows:
            writer.write(lines.splitlines())
        writer.close()


def publish_parts(folder: Path, output: Path, *, keep: bool) -> None:
    """Put the layers beside the table.

    Args:
        folder: the scan's.
        output: the table.
        keep: the scan is to be gone on with: what is in its folder stays there.
    """
    target, parts = layer_folder(output), folder / PARTS
    if target.is_dir():
        check_layer_folder(output)
        shutil.rmtree(target)
    parts.mkdir(exist_ok=True)
    if keep:
        shutil.copytree(parts, target)
    else:
        shutil.move(parts, target)


def _rows(folder: Path, number: int) -> Iterator[bytes]:
    found = sorted(entry for entry, _, _ in batch_entries(folder, number))
    for entry in found:
        lines = layer_lines(folder, number, entry.layers)
        if lines:
            yield lines


def _is_part(path: Path) -> bool:
    return path.name.startswith("part-") and path.suffix in (".parquet", ".jsonl")

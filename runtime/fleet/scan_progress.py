"""How far is a scan, how fast does it go, and how long will the rest take?"""

from __future__ import annotations

from cnnscope.analyzer.values.plain_class import dataclass


@dataclass(frozen=True, slots=True)
class ScanProgress:
    """How far a scan is.

    Args:
        models: how many there are; as many as have been found, while they are listed.
        ok, partial, error: how many have a row, by its status.
        reused: rows that are those of an equal graph.
        kept: rows that were there before, of a scan that was interrupted.
        first_errors: of the first few models with an error, in the order of the table, the place and what is
            said, both without secrets; known when the table is written.
        seconds: since models are read; 0 while they are listed.
    """

    models: int
    ok: int = 0
    partial: int = 0
    error: int = 0
    analysed: int = 0
    reused: int = 0
    kept: int = 0
    seconds: float = 0.0
    first_errors: tuple[tuple[str, str], ...] = ()

    @property
    def done(self) -> int:
        """Models that have a row."""
        return self.ok + self.partial + self.error

    @property
    def rate(self) -> float | None:
        """Models a second, of those read in this run; None where that can't be said yet."""
        now = self.done - self.kept
        return now / self.seconds if self.seconds > 0 and now else None

    @property
    def remaining(self) -> float | None:
        """Seconds that the rest will take at that rate; None where that can't be said yet."""
        rate = self.rate
        return None if rate is None else (self.models - self.done) / rate

    def text(self) -> str:
        """In one line.

        >>> ScanProgress(100, ok=8, partial=1, error=1, seconds=2.0).text()
        '10 of 100 models, 5 a second, 1 error, 0:18 left'
        """
        if not self.seconds:
            return f"{self.models} models found"
        said = [f"{self.done} of {self.models} models"]
        rate, left = self.rate, self.remaining
        if rate is not None:
            said.append(f"{rate:.3g} a second")
        if self.error:
            said.append(f"{self.error} error{'' if self.error == 1 else 's'}")
        if left is not None:
            minutes, seconds = divmod(round(left), 60)
            hours, minutes = divmod(minutes, 60)
            clock = f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
            said.append(f"{clock} left")
        return ", ".join(said)

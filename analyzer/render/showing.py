"""How does a value show itself: printed, by rich, in a notebook?

A value's subject is the module of `subjects/` that has the name of its class, in lower case and words
apart: there, `document` says what there is to show.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, cast

from cnnscope.analyzer.render.forms import html, terminal
from cnnscope.analyzer.values.plain_class import dataclass

if TYPE_CHECKING:
    from cnnscope.analyzer.render.document import Document


@dataclass(frozen=True, slots=True)
class Showing:
    """A value, and the name of the class whose values are shown so."""

    value: object
    subject: str

    @property
    def document(self) -> Document:
        """What there is to show."""
        words = re.findall("[A-Z][a-z]*", self.subject)
        module = import_module(f"{__package__}.subjects.{'_'.join(words).lower()}")
        return cast("Callable[[object], Document]", module.document)(self.value)

    def text(self) -> str:
        """As plain text, no line longer than 100 cells."""
        return terminal.text(self.document)

    def rich(self) -> terminal.Laid:
        """As something that rich lays out for the width there is."""
        return terminal.Laid(self.document)

    def fragment(self) -> str:
        """As a fragment of HTML."""
        return html.fragment(self.document)

"""Loads every group of rules, so that each is registered."""

from cnnscope.analyzer.lint.rules import cost as cost
from cnnscope.analyzer.lint.rules import deployment as deployment
from cnnscope.analyzer.lint.rules import graph as graph
from cnnscope.analyzer.lint.rules import padding as padding
from cnnscope.analyzer.lint.rules import receptive_field as receptive_field
from cnnscope.analyzer.lint.rules import upsampling as upsampling

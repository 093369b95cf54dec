"""Loads every group of rules, so that each is registered."""

from cnnscope.analyzer.rules import cost as cost
from cnnscope.analyzer.rules import deployment as deployment
from cnnscope.analyzer.rules import graph as graph
from cnnscope.analyzer.rules import padding as padding
from cnnscope.analyzer.rules import receptive_field as receptive_field
from cnnscope.analyzer.rules import upsampling as upsampling

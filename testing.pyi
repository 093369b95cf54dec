# What type checkers take `cnnscope.testing` to be: its module is in runtime/public.
from cnnscope.runtime.public.testing import Amount as Amount
from cnnscope.runtime.public.testing import Budget as Budget
from cnnscope.runtime.public.testing import assert_no_regression as assert_no_regression
from cnnscope.runtime.public.testing import assert_within as assert_within

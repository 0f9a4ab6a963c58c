"""A content of any length passes through in little memory."""

import pytest

from benchmarks.records import peak_of_streaming


@pytest.mark.slow
def test_two_gibibytes_pass_in_less_than_200_mib():
    assert peak_of_streaming() < 200

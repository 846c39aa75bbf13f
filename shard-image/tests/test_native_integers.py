"""Products of the CPU kernels with weights of 4 and 8 bits, on every instruction set there is."""

import math

import pytest
import torch
from kernel_numbers import taken_by_integers

from lorax_shard.layers.quantisation import from_int4, to_int4, to_int8

DTYPES = [torch.float32, torch.bfloat16]
pytestmark = pytest.mark.usefixtures("seeded")


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("shape", [(1, 1), (5, 300), (33, 64), (96, 513)])
def test_a_product_with_int8_equals_that_of_torch(kernels, level, shape, dtype) -> None:
    out, depth = shape
    numbers, scales = torch.randint(-127, 128, shape).to(torch.int8), torch.rand(out)
    bias = torch.randn(out)
    packed = kernels.pack_int8(numbers.split(7), scales)
    for found, own in zip(kernels.unpack_int8(packed), (numbers, scales), strict=True):
        assert torch.equal(found, own)
    weight = numbers.double() * scales.double()[:, None]
    for rows in (1, 2, 13, 14, 15, 31, 64, 200):  # few are widened again and again, many once
        x = torch.randn(rows, depth)

        plain = kernels.linear_int8(x, packed, None, dtype)
        biased = kernels.linear_int8(x, packed, bias, dtype)

        expected = (taken_by_integers(x, dtype, level) @ weight.T).float()
        torch.testing.assert_close(plain, expected, atol=1e-2, rtol=1e-5)
        torch.testing.assert_close(biased, plain + bias, atol=1e-3, rtol=1e-5)
        alone = kernels.linear_int8(x[rows - 1 :], packed, None, dtype)
        assert torch.equal(alone[0], plain[-1])


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("shape", [(1, 1), (5, 300), (33, 64), (96, 513)])
def test_a_product_with_int4_equals_that_of_torch(kernels, level, shape, dtype) -> None:
    numbers = to_int4(torch.randn(shape))
    packed, bias = kernels.pack_int4(numbers), torch.randn(shape[0])
    weight = from_int4(numbers, torch.float32)
    assert torch.equal(kernels.unpack_int4(packed).pairs, numbers.pairs)
    for rows in (1, 2, 15, 200):
        x = torch.randn(rows, shape[1])

        plain = kernels.linear_int4(x, packed, None, dtype)
        biased = kernels.linear_int4(x, packed, bias, dtype)

        expected = (taken_by_integers(x, dtype, level) @ weight.double().T).float()
        torch.testing.assert_close(plain, expected, atol=1e-4, rtol=1e-5)
        torch.testing.assert_close(biased, expected + bias, atol=1e-4, rtol=1e-5)
        alone = kernels.linear_int4(x[rows - 1 :], packed, None, dtype)
        assert torch.equal(alone[0], plain[-1])


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("bits", [4, 8])
def test_integers_keep_what_is_no_number_in_its_row(kernels, bits, bad, dtype) -> None:
    """And numbers so small that they have no reciprocal, and none at all, are as good as zeroes."""
    # given
    weight = torch.randn(40, 100)
    if bits == 4:
        packed, multiply = kernels.pack_int4(to_int4(weight)), kernels.linear_int4
    else:
        numbers, scales = to_int8(weight)
        packed, multiply = kernels.pack_int8([numbers], scales), kernels.linear_int8
    x = torch.randn(9, 100)
    x[5], x[6] = 0, 1e-42
    expected = multiply(x, packed, None, dtype)
    x[3, 70] = bad

    # when
    found = multiply(x, packed, None, dtype)

    # then
    others = [row for row in range(9) if row != 3]
    assert not found[3].isfinite().any()
    assert torch.equal(found[others], expected[others])
    assert (found[5:7].abs() < 1e-30).all()

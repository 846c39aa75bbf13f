"""Rotary position embedding in the half-split layout of the Llama family."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Llama3Scaling:
    """Llama 3.1's stretching of long wavelengths; the names are those of config.json."""

    factor: float
    low_freq_factor: float
    high_freq_factor: float
    original_max_position_embeddings: int


@dataclass(frozen=True, slots=True)
class LinearScaling:
    """All positions divided by one factor."""

    factor: float


RotaryScaling = Llama3Scaling | LinearScaling | None


@dataclass(frozen=True, slots=True)
class Rotation:
    """Cosine and sine of the angles of one step, [T, 1, D/2] each, in the dtype of the model."""

    cosine: Tensor
    sine: Tensor

    def rotate(self, heads: Tensor) -> Tensor:
        """Rotates query or key heads, [T, H, D], out of place; what has no angle stays."""
        half = self.cosine.shape[-1]
        first, second, rest = heads.split([half, half, heads.shape[-1] - 2 * half], dim=-1)
        return torch.cat(
            (
                first * self.cosine - second * self.sine,
                second * self.cosine + first * self.sine,
                rest,
            ),
            dim=-1,
        )


class Rotary:
    """Angles of positions. Computed once for each step, not tabulated: contexts can be long."""

    def __init__(
        self, rotary_dim: int, theta: float, scaling: RotaryScaling, device: torch.device
    ) -> None:
        exponents = torch.arange(0, rotary_dim, 2, dtype=torch.int64, device=device).float()
        frequencies = 1.0 / (theta ** (exponents / rotary_dim))
        self._frequencies = _scale(frequencies, scaling)  # [D/2], float32

    def at(self, positions: Tensor, dtype: torch.dtype) -> Rotation:
        """The rotation of tokens at these positions, [T]."""
        angles = positions.to(torch.float32)[:, None] * self._frequencies  # [T, D/2]
        return Rotation(angles.cos().to(dtype)[:, None, :], angles.sin().to(dtype)[:, None, :])


def _scale(frequencies: Tensor, scaling: RotaryScaling) -> Tensor:
    match scaling:
        case None:
            return frequencies
        case LinearScaling(factor):
            return frequencies / factor
        case Llama3Scaling():
            return _scale_llama3(frequencies, scaling)


def _scale_llama3(frequencies: Tensor, scaling: Llama3Scaling) -> Tensor:
    """Long wavelengths are divided by the factor, short ones kept, those between interpolated."""
    original = scaling.original_max_position_embeddings
    wavelengths = 2 * math.pi / frequencies
    low, high = scaling.low_freq_factor, scaling.high_freq_factor
    smooth = (original / wavelengths - low) / (high - low)
    between = (1 - smooth) * frequencies / scaling.factor + smooth * frequencies
    scaled = torch.where(wavelengths > original / low, frequencies / scaling.factor, between)
    return torch.where(wavelengths < original / high, frequencies, scaled)

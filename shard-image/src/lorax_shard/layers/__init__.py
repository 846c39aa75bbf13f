"""Tensor building blocks. Letters used in shape comments throughout the package.

B sequences in the step, T tokens in the step, H query heads, K key-value heads, D head dim,
R LoRA rank (padded to its bucket), S adapter slots, P projections fused in one linear layer.
"""

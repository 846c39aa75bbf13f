"""Decoders of architectures that are not ours, computed by the package transformers.

Attention goes through its AttentionInterface to our paged cache, linear layers become ours, so that
any adapters share a batch; all else is the model's own code.
"""

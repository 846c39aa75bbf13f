"""The LoRAX shard: one base model, many LoRA adapters, served over generate.v1."""

__version__ = "0.1.0"

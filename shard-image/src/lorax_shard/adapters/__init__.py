"""LoRA adapters: where they come from, what they hold, which are resident."""

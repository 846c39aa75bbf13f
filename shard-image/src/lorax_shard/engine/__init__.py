"""The engine: cached batches, steps, sampling and text, behind plain messages."""

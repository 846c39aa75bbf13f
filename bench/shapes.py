"""Shapes of models: hidden, intermediate, layers, heads, key-value heads, vocabulary."""

SHAPES = {
    "tiny": (64, 128, 2, 4, 2, 512),  # fits with a few adapters into a ConfigMap
    "135m": (576, 1536, 30, 9, 3, 49152),  # SmolLM2-135M
    "0.5b": (896, 4864, 24, 14, 2, 151936),  # Qwen2.5-0.5B
    "1b": (2048, 8192, 16, 32, 8, 128256),  # Llama 3.2 1B
    "8b": (4096, 14336, 32, 32, 8, 128256),  # Llama 3.1 8B
}

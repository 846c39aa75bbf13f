"""What a model makes of a text."""

from enum import Enum


class Task(Enum):
    """One model has one task; a decoder that generates can embed beside that."""

    GENERATION = "generates text"
    EMBEDDING = "embeds texts"
    TOKEN_CLASSIFICATION = "classifies the tokens of texts"
    TEXT_CLASSIFICATION = "classifies texts"

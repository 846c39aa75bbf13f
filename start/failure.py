"""The one way in which the start script gives up."""


class Failure(Exception):
    """What went wrong and what to do, as a sentence for the person at the terminal."""

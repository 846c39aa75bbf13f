"""Asks a router whose model classifies tokens as users of lorax-client do.

    python lorax_client_classify_check.py http://127.0.0.1:3000

Needs the package lorax-client. Ends with a traceback if something is not as expected.
"""

import sys

from lorax import Client
from lorax.errors import ValidationError

KEYS = ["end", "entity_group", "score", "start", "word"]


def main() -> None:
    client = Client(sys.argv[1].rstrip("/"), timeout=120)
    text = "The capital of France"
    entities = client.classify(text).entities
    assert entities, "no entity was found"
    assert sorted(entities[0]) == KEYS, entities
    assert [one.entities for one in client.classify_batch([text, text])] == [entities, entities]
    try:
        client.embed(text)
    except ValidationError as error:
        assert "does not embed" in str(error), error
    else:
        raise AssertionError("expected a ValidationError, got an embedding")


if __name__ == "__main__":
    main()

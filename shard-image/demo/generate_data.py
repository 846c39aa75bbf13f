"""Write the demo's data: one training file per adapter, and held_out.json.

    python generate_data.py TRAINING_DIRECTORY

The result depends on nothing but the code in ``behaviours``: running it again changes no byte.
"""

import argparse
import json
from pathlib import Path

from behaviours import BEHAVIOURS

HELD_OUT_FILE = Path(__file__).parent / "held_out.json"


def training_lines(adapter: str) -> str:
    """Render one adapter's training examples as JSON lines."""
    return "".join(
        json.dumps({"prompt": example.prompt, "answer": example.answer}) + "\n"
        for example in BEHAVIOURS[adapter].training()
    )


def held_out_json() -> str:
    """Render the held-out prompts of all adapters, ready for test suites in any language."""
    prompts = [
        {
            "adapter": adapter,
            "prompt": held_out.prompt,
            "max_new_tokens": held_out.max_new_tokens,
            "expect": {"regex": held_out.regex},
        }
        for adapter, behaviour in BEHAVIOURS.items()
        for held_out in behaviour.held_out()
    ]
    return json.dumps(prompts, indent=2) + "\n"


def main() -> None:
    """Write the files and say what was written."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("training", type=Path, help="directory for ADAPTER.jsonl")
    training: Path = parser.parse_args().training
    training.mkdir(parents=True, exist_ok=True)
    for adapter in BEHAVIOURS:
        lines = training_lines(adapter)
        (training / f"{adapter}.jsonl").write_text(lines)
        print(f"{adapter}: {lines.count(chr(10))} training examples")
    HELD_OUT_FILE.write_text(held_out_json())


if __name__ == "__main__":
    main()

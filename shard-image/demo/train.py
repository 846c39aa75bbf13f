"""Train one demo adapter with PEFT.

    python train.py MODEL_DIRECTORY TRAINING_DIRECTORY ADAPTER

reads TRAINING_DIRECTORY/ADAPTER.jsonl, which ``generate_data.py`` writes, and replaces
``adapters/ADAPTER``. Takes about two minutes of one CPU core.
"""

import argparse
import itertools
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, get_peft_model, get_peft_model_state_dict
from safetensors.torch import save_file
from torch.nn.functional import cross_entropy
from transformers import PreTrainedTokenizerBase as Tokenizer

from chat import load_base, render, token_ids

# The adapters name their base by its public id: the directory it was read from means nothing
# on another machine.
BASE_MODEL = "HuggingFaceTB/SmolLM2-135M-Instruct"
ADAPTERS = Path(__file__).parent / "adapters"
ATTENTION = ("q_proj", "k_proj", "v_proj", "o_proj")
MLP = ("gate_proj", "up_proj", "down_proj")
BATCH = 4
WARMUP_STEPS = 5
SEED = 20250207
IGNORED = -100  # the label that torch's cross entropy leaves out


@dataclass(frozen=True, slots=True)
class Recipe:
    """Shape and training length of one adapter."""

    rank: int
    alpha: int
    targets: tuple[str, ...]
    steps: int
    learning_rate: float


# Ranks and targets differ on purpose: a server that batches these adapters meets stacks of
# different rank and layers that only some adapters change.
RECIPES = {
    "sentiment": Recipe(4, 8, ATTENTION + MLP, 60, 1e-3),
    "sql": Recipe(8, 16, ATTENTION + MLP, 60, 1e-3),
    "pirate": Recipe(16, 32, ("q_proj", "v_proj", "o_proj"), 60, 1e-3),
}


@dataclass(frozen=True, slots=True)
class Sequence:
    """Token ids of a rendered prompt and its answer; only the answer is learnt."""

    prompt: list[int]
    answer: list[int]


def read_sequences(path: Path, tokenizer: Tokenizer) -> list[Sequence]:
    """Read one training file; each answer ends with the token that ends a turn."""
    if not path.is_file():
        raise SystemExit(f"no training data in {path}: run generate_data.py {path.parent} first")
    examples = [json.loads(line) for line in path.read_text().splitlines()]
    return [
        Sequence(
            token_ids(tokenizer, render(tokenizer, example["prompt"])),
            token_ids(tokenizer, example["answer"] + str(tokenizer.eos_token)),
        )
        for example in examples
    ]


def batches(sequences: list[Sequence], seed: int) -> Iterator[list[Sequence]]:
    """Yield batches for ever, each pass over the sequences in another order."""
    order = random.Random(seed)
    while True:
        shuffled = order.sample(sequences, len(sequences))
        yield from (shuffled[i : i + BATCH] for i in range(0, len(shuffled), BATCH))


def loss_of(model: PeftModel, batch: list[Sequence]) -> torch.Tensor:
    """Mean cross entropy of the answers' tokens, padded on the right.

    The head runs from the first answer token on: it holds a fifth of the model's weights, and
    over the prompt it would compute logits that no label uses.
    """
    width = max(len(sequence.prompt) + len(sequence.answer) for sequence in batch)
    ids = torch.zeros(len(batch), width, dtype=torch.long)  # (B, T)
    labels = torch.full((len(batch), width), IGNORED)  # (B, T)
    mask = torch.zeros(len(batch), width, dtype=torch.long)  # (B, T)
    for row, sequence in enumerate(batch):
        start, end = len(sequence.prompt), len(sequence.prompt) + len(sequence.answer)
        ids[row, :end] = torch.tensor(sequence.prompt + sequence.answer)
        labels[row, start:end] = ids[row, start:end]
        mask[row, :end] = 1
    learnt = width - min(len(sequence.prompt) for sequence in batch)
    logits = model(input_ids=ids, attention_mask=mask, logits_to_keep=learnt + 1).logits
    # Each position predicts the next token, so the last one has nothing to predict.
    return cross_entropy(logits[:, :-1].float().flatten(0, 1), labels[:, -learnt:].flatten())


def train(model: PeftModel, sequences: list[Sequence], recipe: Recipe) -> None:
    """Run the recipe's steps with a short warm-up and a linear decay to zero."""
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=recipe.learning_rate, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda step: min((step + 1) / WARMUP_STEPS, (recipe.steps - step) / recipe.steps),
    )
    model.train()
    for step, batch in enumerate(itertools.islice(batches(sequences, SEED), recipe.steps), 1):
        loss = loss_of(model, batch)
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        schedule.step()
        if step % 5 == 0:
            print(f"step {step}/{recipe.steps} loss {loss.item():.4f}", flush=True)


def save(model: PeftModel, directory: Path) -> None:
    """Write the two files of an adapter, weights in bfloat16 to halve their size."""
    directory.mkdir(parents=True, exist_ok=True)
    weights = get_peft_model_state_dict(model, save_embedding_layers=False)
    halved = {name: weight.to(torch.bfloat16).contiguous() for name, weight in weights.items()}
    file = directory / "adapter_model.safetensors"
    save_file(halved, file, metadata={"format": "pt"})
    file.chmod(0o644)  # safetensors leaves it to its owner, but servers run as other users
    config = model.peft_config["default"]
    config.inference_mode = True
    config.base_model_name_or_path = BASE_MODEL
    config.save_pretrained(str(directory))


def main() -> None:
    """Train the adapter named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("model", type=Path, help="base model, a directory with config.json")
    parser.add_argument("training", type=Path, help="directory that holds ADAPTER.jsonl")
    parser.add_argument("adapter", choices=RECIPES)
    parser.add_argument("--threads", type=int, default=1, help="torch threads (default 1)")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(SEED)
    recipe = RECIPES[arguments.adapter]
    base, tokenizer = load_base(arguments.model, torch.bfloat16)
    config = LoraConfig(
        r=recipe.rank,
        lora_alpha=recipe.alpha,
        target_modules=list(recipe.targets),
        task_type="CAUSAL_LM",
    )
    model = get_peft_model(base, config)
    sequences = read_sequences(arguments.training / f"{arguments.adapter}.jsonl", tokenizer)
    train(model, sequences, recipe)
    save(model, ADAPTERS / arguments.adapter)


if __name__ == "__main__":
    main()

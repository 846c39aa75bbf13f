"""What fits a model that is quantised already."""

from lorax_shard.layers.packing import Packing
from lorax_shard.layers.quantisation import Quantisation
from lorax_shard.server.config import PACKINGS, ConfigurationError, ServeConfig


def check_packing(config: ServeConfig, name: str, packing: Packing | None) -> None:
    """Fails where the options contradict how the model of this name is stored."""
    asked = config.quantize
    if packing is None:
        if asked in PACKINGS:
            raise ConfigurationError(
                f"--quantize {asked} expects a model that is quantised so, {name} is not: leave it "
                "out, or set int8 or int4, which quantises it as it loads"
            )
        return
    if asked is not None and asked != packing.method.value:
        raise ConfigurationError(
            f"--quantize {asked} contradicts {name}, which is quantised already ({packing}): leave "
            "it out"
        )
    if config.merges_static_adapter:
        raise ConfigurationError(
            f"--merge-adapter-weights changes weights, and those of {name} are quantised already "
            f"({packing}), so that a sum would not fit: leave it out, and the adapter is served "
            "beside them"
        )


def quantisation_of(config: ServeConfig) -> Quantisation | None:
    """How linear layers are quantised as they load; None keeps them as they are stored."""
    if config.quantize is None or config.quantize in PACKINGS:
        return None
    return Quantisation(config.quantize)

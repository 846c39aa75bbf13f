/**
 * PyTorch checkpoints ({@code torch.save}, since PyTorch 1.6) to safetensors. Nothing in a
 * checkpoint is ever run: what is not a weight is refused by name.
 */
@NullMarked
package dev.lorax.launcher.convert.torch;

import org.jspecify.annotations.NullMarked;

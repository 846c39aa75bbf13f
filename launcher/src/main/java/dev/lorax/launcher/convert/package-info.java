/** Weights and their companions from other formats to Hugging Face layout with safetensors. */
@NullMarked
package dev.lorax.launcher.convert;

import org.jspecify.annotations.NullMarked;

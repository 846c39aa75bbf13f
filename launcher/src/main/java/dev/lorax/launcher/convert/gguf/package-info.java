/** GGUF to Hugging Face layout. */
@NullMarked
package dev.lorax.launcher.convert.gguf;

import org.jspecify.annotations.NullMarked;

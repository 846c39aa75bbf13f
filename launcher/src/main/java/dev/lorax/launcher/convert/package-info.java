/** GGUF to Hugging Face layout. */
@NullMarked
package dev.lorax.launcher.convert;

import org.jspecify.annotations.NullMarked;

/** Prompt text to token ids. */
@NullMarked
package dev.lorax.router.tokenizer;

import org.jspecify.annotations.NullMarked;

/** The process that prepares the model, starts shards and router, watches them and stops them. */
@NullMarked
package dev.lorax.launcher;

import org.jspecify.annotations.NullMarked;

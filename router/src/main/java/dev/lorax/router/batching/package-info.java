/** Continuous batching: one thread decides what the shards compute next. */
@NullMarked
package dev.lorax.router.batching;

import org.jspecify.annotations.NullMarked;

/** From {@code --model-id} to a directory that shards and router can load. */
@NullMarked
package dev.lorax.launcher.model;

import org.jspecify.annotations.NullMarked;

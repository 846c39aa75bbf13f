/** Programs that stand in for shard and router, and a launcher to run them under. */
@NullMarked
package dev.lorax.launcher.testing;

import org.jspecify.annotations.NullMarked;

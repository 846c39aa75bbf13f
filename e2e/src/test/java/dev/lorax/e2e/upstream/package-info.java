/** Our launcher and router around a shard with upstream's command line and nothing of ours. */
@NullMarked
package dev.lorax.e2e.upstream;

import org.jspecify.annotations.NullMarked;

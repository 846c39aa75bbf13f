/** The shards over gRPC; the only package that sees generated messages. */
@NullMarked
package dev.lorax.router.shard;

import org.jspecify.annotations.NullMarked;

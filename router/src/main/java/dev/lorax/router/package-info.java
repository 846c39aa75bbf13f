/** The router process: HTTP in, batches out to the shards. */
@NullMarked
package dev.lorax.router;

import org.jspecify.annotations.NullMarked;

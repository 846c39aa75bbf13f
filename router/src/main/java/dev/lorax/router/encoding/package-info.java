/** Texts that the shards read once, for an embedding or for classes. */
@NullMarked
package dev.lorax.router.encoding;

import org.jspecify.annotations.NullMarked;

/** Blocks of the paged key-value cache, counted out to requests. */
@NullMarked
package dev.lorax.router.kvcache;

import org.jspecify.annotations.NullMarked;

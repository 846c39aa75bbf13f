/** Adapters: what identifies one, and which are resident on the shards. */
@NullMarked
package dev.lorax.router.adapter;

import org.jspecify.annotations.NullMarked;

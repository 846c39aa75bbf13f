/** The shard group and the router: how they are started, watched and started again. */
@NullMarked
package dev.lorax.launcher.members;

import org.jspecify.annotations.NullMarked;

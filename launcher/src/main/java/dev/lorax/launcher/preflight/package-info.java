/** What has to be so before shards are started, checked where they will run. */
@NullMarked
package dev.lorax.launcher.preflight;

import org.jspecify.annotations.NullMarked;

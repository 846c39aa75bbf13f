/** Form of the log: text for a terminal, JSON for a collector. */
@NullMarked
package dev.lorax.launcher.log;

import org.jspecify.annotations.NullMarked;

/** The table of docs/faults.md, each row run with real processes. */
@NullMarked
package dev.lorax.launcher.faults;

import org.jspecify.annotations.NullMarked;

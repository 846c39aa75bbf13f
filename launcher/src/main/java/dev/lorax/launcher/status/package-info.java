/** What the launcher tells probes and people over HTTP. */
@NullMarked
package dev.lorax.launcher.status;

import org.jspecify.annotations.NullMarked;

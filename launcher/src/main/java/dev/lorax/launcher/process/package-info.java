/** Places where a member's process can be started, and what is known of a started one. */
@NullMarked
package dev.lorax.launcher.process;

import org.jspecify.annotations.NullMarked;

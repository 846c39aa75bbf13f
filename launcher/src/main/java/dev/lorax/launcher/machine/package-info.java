/** What the machine has: devices, memory, limits, programs and their versions. */
@NullMarked
package dev.lorax.launcher.machine;

import org.jspecify.annotations.NullMarked;

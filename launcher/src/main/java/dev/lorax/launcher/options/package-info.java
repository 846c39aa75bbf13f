/**
 * Words of a command line to values of options. A reader of our own, because a library that finds
 * options by reflection takes longer for it than all the rest of a start.
 */
@NullMarked
package dev.lorax.launcher.options;

import org.jspecify.annotations.NullMarked;

/**
 * Options of our programs: tables of them, read from the words of a command line and from
 * environment variables, and printed as help. A reader of our own, because a library that finds
 * options by reflection takes longer for it than all the rest of a start.
 */
@NullMarked
package dev.lorax.options;

import org.jspecify.annotations.NullMarked;

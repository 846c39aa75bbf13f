/** What the command line and the environment say, checked once. */
@NullMarked
package dev.lorax.launcher.config;

import org.jspecify.annotations.NullMarked;

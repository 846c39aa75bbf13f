/** The command line and the environment, checked. */
@NullMarked
package dev.lorax.router.config;

import org.jspecify.annotations.NullMarked;

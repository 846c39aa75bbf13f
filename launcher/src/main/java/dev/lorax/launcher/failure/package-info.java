/** The words by which programs tell failures apart. */
@NullMarked
package dev.lorax.launcher.failure;

import org.jspecify.annotations.NullMarked;

/** The operator's process: configuration, health endpoints, start and stop. */
@NullMarked
package dev.lorax.operator;

import org.jspecify.annotations.NullMarked;

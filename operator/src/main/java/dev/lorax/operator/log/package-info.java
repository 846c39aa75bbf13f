/** What log lines of the operator have in common. */
@NullMarked
package dev.lorax.operator.log;

import org.jspecify.annotations.NullMarked;

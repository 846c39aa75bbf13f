/** What the operator asks of pods over HTTP, at their own addresses. */
@NullMarked
package dev.lorax.operator.pod;

import org.jspecify.annotations.NullMarked;

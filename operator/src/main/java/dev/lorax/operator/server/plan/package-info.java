/** From the spec of a {@code LoraxServer} to the plan of its pods; pure, knows no cluster. */
@NullMarked
package dev.lorax.operator.server.plan;

import org.jspecify.annotations.NullMarked;

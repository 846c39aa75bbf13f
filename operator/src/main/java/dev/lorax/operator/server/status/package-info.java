/** From what is seen in the cluster to the status of a {@code LoraxServer}; pure. */
@NullMarked
package dev.lorax.operator.server.status;

import org.jspecify.annotations.NullMarked;

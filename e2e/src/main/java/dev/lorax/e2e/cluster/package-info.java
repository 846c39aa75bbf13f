/**
 * Kubernetes clusters that the demo and the stories run on, and the programs that speak to them.
 */
@NullMarked
package dev.lorax.e2e.cluster;

import org.jspecify.annotations.NullMarked;

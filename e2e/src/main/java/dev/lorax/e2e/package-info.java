/** The demo and the stories on a real Kubernetes: the programs' entry point. */
@NullMarked
package dev.lorax.e2e;

import org.jspecify.annotations.NullMarked;

/**
 * What is put on a cluster: the operator, the model files and a LoraxServer; and what became of it.
 */
@NullMarked
package dev.lorax.e2e.install;

import org.jspecify.annotations.NullMarked;

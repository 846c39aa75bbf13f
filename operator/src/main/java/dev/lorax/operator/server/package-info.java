/**
 * The controller of {@code LoraxServer}: spec to plan, plan to dependents, pods to status. The
 * controllers of other kinds get packages beside this one.
 */
@NullMarked
package dev.lorax.operator.server;

import org.jspecify.annotations.NullMarked;

/**
 * In what objects of the cluster differ from what they shall be, and how they are made so. Knows no
 * servers.
 */
@NullMarked
package dev.lorax.operator.server.apply;

import org.jspecify.annotations.NullMarked;

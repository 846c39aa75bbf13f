@NullMarked
package dev.lorax.e2e.cluster;

import org.jspecify.annotations.NullMarked;

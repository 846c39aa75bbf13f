@NullMarked
package dev.lorax.e2e;

import org.jspecify.annotations.NullMarked;

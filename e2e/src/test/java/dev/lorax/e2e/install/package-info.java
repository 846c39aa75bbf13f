@NullMarked
package dev.lorax.e2e.install;

import org.jspecify.annotations.NullMarked;

@NullMarked
package dev.lorax.e2e.demo;

import org.jspecify.annotations.NullMarked;

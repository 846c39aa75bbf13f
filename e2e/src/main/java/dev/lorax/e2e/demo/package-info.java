/** The demo: the steps from nothing to four streamed answers, told to a person. */
@NullMarked
package dev.lorax.e2e.demo;

import org.jspecify.annotations.NullMarked;

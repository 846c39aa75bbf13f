/** What a request asks of the model and what comes back: plain values shared by all packages. */
@NullMarked
package dev.lorax.router.generation;

import org.jspecify.annotations.NullMarked;

/** API keys: who may ask, for which adapters, how often and with what share. */
@NullMarked
package dev.lorax.router.access;

import org.jspecify.annotations.NullMarked;

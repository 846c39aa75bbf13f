/** From a decoded request to an entry of the batch loop: checks, tokenisation, admission. */
@NullMarked
package dev.lorax.router.request;

import org.jspecify.annotations.NullMarked;

/** A client of the router's HTTP API, as small as the demo and the stories need it. */
@NullMarked
package dev.lorax.e2e.chat;

import org.jspecify.annotations.NullMarked;

/** gRPC over Unix sockets. */
@NullMarked
package dev.lorax.launcher.socket;

import org.jspecify.annotations.NullMarked;

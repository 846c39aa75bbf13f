/** How members are: asked over their own sockets, again and again. */
@NullMarked
package dev.lorax.launcher.health;

import org.jspecify.annotations.NullMarked;

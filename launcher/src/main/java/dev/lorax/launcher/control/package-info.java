/** The launcher's end of the control socket: process host for members in other containers. */
@NullMarked
package dev.lorax.launcher.control;

import org.jspecify.annotations.NullMarked;

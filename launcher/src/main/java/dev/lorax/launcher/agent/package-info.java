/** The agent: starts processes in its container on behalf of the launcher. */
@NullMarked
package dev.lorax.launcher.agent;

import org.jspecify.annotations.NullMarked;

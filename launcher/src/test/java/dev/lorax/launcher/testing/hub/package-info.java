/**
 * A hub in miniature with the real one's wire format, and scripted troubles. Depends on the JDK
 * alone, so that other modules can use it too.
 */
@NullMarked
package dev.lorax.launcher.testing.hub;

import org.jspecify.annotations.NullMarked;

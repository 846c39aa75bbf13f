/** The safetensors file format: writing it, and checking what others wrote. */
@NullMarked
package dev.lorax.launcher.convert.safetensors;

import org.jspecify.annotations.NullMarked;

/** The HTTP surface; the only package that sees Vert.x. */
@NullMarked
package dev.lorax.router.http;

import org.jspecify.annotations.NullMarked;

@NullMarked
package dev.lorax.e2e.chat;

import org.jspecify.annotations.NullMarked;

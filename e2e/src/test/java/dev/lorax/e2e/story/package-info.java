/** Stories of users, told on a real Kubernetes. */
@NullMarked
package dev.lorax.e2e.story;

import org.jspecify.annotations.NullMarked;

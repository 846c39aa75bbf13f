/**
 * Models and adapters of a hub, in the cache layout of huggingface_hub: what either program has
 * downloaded the other one finds.
 */
@NullMarked
package dev.lorax.launcher.hub;

import org.jspecify.annotations.NullMarked;

/** What a change of the CRD would break for objects, manifests and clients that exist. */
@NullMarked
package dev.lorax.crds.compatibility;

import org.jspecify.annotations.NullMarked;

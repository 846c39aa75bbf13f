/**
 * Java types of the API group {@code lorax.dev/v1alpha1}; the CRD manifests are generated from
 * them.
 */
@NullMarked
package dev.lorax.crds.v1alpha1;

import org.jspecify.annotations.NullMarked;

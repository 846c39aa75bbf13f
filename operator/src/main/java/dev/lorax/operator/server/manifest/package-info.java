/** From a {@code ServingPlan} to Kubernetes manifests; sees the plan, never the spec. */
@NullMarked
package dev.lorax.operator.server.manifest;

import org.jspecify.annotations.NullMarked;

/**
 * The API group {@code custom.metrics.k8s.io}, which Kubernetes' API server passes on to this
 * process: how much the routers have to do, for HorizontalPodAutoscalers.
 */
@NullMarked
package dev.lorax.operator.metricsapi;

import org.jspecify.annotations.NullMarked;

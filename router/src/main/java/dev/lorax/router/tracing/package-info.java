/** Spans of requests, sent to an OpenTelemetry collector. Nothing else knows OpenTelemetry. */
@NullMarked
package dev.lorax.router.tracing;

import org.jspecify.annotations.NullMarked;

/** Counters, gauges and histograms in Prometheus text form. */
@NullMarked
package dev.lorax.router.metrics;

import org.jspecify.annotations.NullMarked;

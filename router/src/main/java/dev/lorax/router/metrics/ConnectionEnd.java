package dev.lorax.router.metrics;

import java.util.Locale;

/**
 * Why the router has closed a connection whose client was still there, as the metric's label says
 * it.
 */
public enum ConnectionEnd {
  /** The client did not read what it was sent. */
  SLOW_READER,
  /** The client did not send the whole of a request. */
  SLOW_REQUEST,
  /** The client asked for nothing more. */
  IDLE;

  String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}

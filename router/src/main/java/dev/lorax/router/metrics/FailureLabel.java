package dev.lorax.router.metrics;

import java.util.Locale;

/** Why a request did not succeed, as the metric's label says it. */
public enum FailureLabel {
  VALIDATION,
  OVERLOADED,
  UNAUTHORIZED,
  FORBIDDEN,
  RATE_LIMITED,
  DROPPED,
  GENERATION,
  INCOMPLETE,
  TEMPLATE,
  BAD_REQUEST,
  UNAVAILABLE,
  EMBEDDING_FAILURE,
  CLASSIFICATION_FAILURE,
  DOWNLOAD_ADAPTER,
  LOAD_ADAPTER,
  OFFLOAD_ADAPTER;

  /** As it is written. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}

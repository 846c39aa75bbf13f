package dev.lorax.launcher.config;

import java.util.List;

/**
 * What the router lets pages of other origins do, as far as somebody said. Immutable; empty lists
 * mean the router's defaults.
 */
public record CrossOrigin(
    List<String> origins,
    List<String> methods,
    List<String> headers,
    List<String> exposedHeaders,
    boolean credentials) {

  public CrossOrigin {
    origins = List.copyOf(origins);
    methods = List.copyOf(methods);
    headers = List.copyOf(headers);
    exposedHeaders = List.copyOf(exposedHeaders);
  }
}

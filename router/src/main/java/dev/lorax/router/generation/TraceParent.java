package dev.lorax.router.generation;

/**
 * The span to which others hand theirs, where a request is traced.
 *
 * @param value as in the header {@code traceparent} of W3C Trace Context
 */
public record TraceParent(String value) {}

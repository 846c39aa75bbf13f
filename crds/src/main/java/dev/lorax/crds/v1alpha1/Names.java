package dev.lorax.crds.v1alpha1;

/** Patterns for names of Kubernetes objects and of adapters. */
final class Names {

  /** RFC 1123 subdomain, as the API server checks names of claims. */
  static final String DNS_SUBDOMAIN =
      "^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$";

  /** A relative path of plain segments: none of them can be "..". */
  static final String ADAPTER_ID = "^[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*$";

  private Names() {}
}

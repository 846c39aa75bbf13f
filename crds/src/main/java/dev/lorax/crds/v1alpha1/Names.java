package dev.lorax.crds.v1alpha1;

/** Patterns for names of Kubernetes objects, of adapters and of servers. */
final class Names {

  /** RFC 1123 subdomain, as the API server checks names of claims. */
  static final String DNS_SUBDOMAIN =
      "^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$";

  /**
   * A relative path of plain segments, none of which can be "..", with a scheme for S3 and a
   * revision for a hub.
   */
  static final String ADAPTER_ID =
      "^(s3://)?[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*(@[A-Za-z0-9][A-Za-z0-9._/-]*)?$";

  /** A server without credentials in it: they belong in a Secret. */
  static final String ENDPOINT = "^https?://[A-Za-z0-9.:\\[\\]-]+(/[A-Za-z0-9._~/-]*)?$";

  /** As the API server checks keys of Secrets. */
  static final String SECRET_KEY = "^[-._a-zA-Z0-9]+$";

  /** A resource that a device plugin advertises: a domain and a name. */
  static final String EXTENDED_RESOURCE =
      "^[a-z0-9]([-a-z0-9.]*[a-z0-9])?/[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$";

  /** Whole hours, minutes and seconds, as CEL and Go write durations. */
  static final String DURATION = "^([0-9]{1,4}h)?([0-9]{1,5}m)?([0-9]{1,6}s)?$";

  private Names() {}
}

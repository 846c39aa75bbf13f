package dev.lorax.router.adapter;

/** The secret with which an adapter is fetched; part of the adapter's identity, never printed. */
public record ApiToken(String value) {
  @Override
  public String toString() {
    return "ApiToken[masked]";
  }
}

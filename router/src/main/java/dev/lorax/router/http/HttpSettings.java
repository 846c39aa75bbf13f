package dev.lorax.router.http;

import org.jspecify.annotations.Nullable;

/**
 * How to listen, and what to bear from clients.
 *
 * @param tls null: in plain HTTP
 */
public record HttpSettings(
    Address address, @Nullable TlsFiles tls, CrossOrigin crossOrigin, ClientPatience patience) {
  /** Where to listen. */
  public record Address(String hostname, int port, int eventLoops) {}
}

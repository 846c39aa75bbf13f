package dev.lorax.router.http;

/** How to listen, and what to bear from clients. */
public record HttpSettings(Address address, CrossOrigin crossOrigin, ClientPatience patience) {
  /** Where to listen. */
  public record Address(String hostname, int port, int eventLoops) {}
}

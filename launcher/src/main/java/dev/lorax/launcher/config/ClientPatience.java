package dev.lorax.launcher.config;

import java.time.Duration;

/**
 * How long the router waits for clients, each in whole seconds.
 *
 * @param request how long the head of a request may take to arrive, and then its body
 * @param answer how long what was written may wait for the client to take it
 * @param idle how long a connection may stay open with nothing asked
 */
public record ClientPatience(Duration request, Duration answer, Duration idle) {}

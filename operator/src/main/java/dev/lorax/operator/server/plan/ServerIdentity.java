package dev.lorax.operator.server.plan;

/** Which {@code LoraxServer} a plan is for. */
public record ServerIdentity(String namespace, String name, String uid) {}

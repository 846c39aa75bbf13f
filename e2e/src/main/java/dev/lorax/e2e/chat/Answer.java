package dev.lorax.e2e.chat;

import java.time.Duration;

/** A whole answer with what it took. */
public record Answer(String text, int tokens, Duration firstToken, Duration total) {}

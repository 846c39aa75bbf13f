package dev.lorax.router.generation;

/** A token of the prompt; the logprob of the first one is NaN because nothing precedes it. */
public record PrefillToken(int id, String text, float logprob) {}

package dev.lorax.router.encoding;

/** A class and how sure the model is of it, from 0 to 1. */
public record Prediction(String label, float score) {}

package dev.lorax.router.tokenizer;

/** A token and the part of the text that it stands for. */
public record TextToken(int id, String text, int start, int stop) {}

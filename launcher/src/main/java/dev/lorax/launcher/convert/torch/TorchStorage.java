package dev.lorax.launcher.convert.torch;

/**
 * The memory that one or more tensors are views of.
 *
 * @param key its name in the archive, unique in it
 * @param bytes as the checkpoint says; the archive's entry must agree
 */
record TorchStorage(String key, long bytes) {}

package dev.lorax.e2e.cluster;

import java.nio.file.Path;

/**
 * What there is around a cluster on this machine.
 *
 * @param repository the checkout, whose sources an embedded cluster is built from
 * @param state the folder that holds all of a cluster of our own
 * @param programs where kubectl and helm are looked up
 * @param devices of nvidia.com/gpu that an embedded cluster pretends to have
 * @param audit whether the API server of an embedded cluster writes down what it is asked for
 */
public record Surroundings(
    Path repository, Path state, SearchPath programs, int devices, boolean audit) {}

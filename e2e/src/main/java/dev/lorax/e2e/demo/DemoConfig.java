package dev.lorax.e2e.demo;

import dev.lorax.e2e.cluster.SearchPath;
import dev.lorax.e2e.cluster.Surroundings;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What the demo was asked to do.
 *
 * @param state the folder that holds all of a running demo
 * @param context a context of the person's kubeconfig to use instead of a cluster of our own
 * @param clusterProgram the embedded cluster's program, if it is built already
 * @param k3sImage the image of a k3s in Docker, instead of the public one
 * @param images archives of the images
 * @param stepOffset steps that the caller took before
 * @param steps steps in all
 */
public record DemoConfig(
    Path repository,
    Path state,
    @Nullable String context,
    @Nullable Path clusterProgram,
    @Nullable String k3sImage,
    List<Path> images,
    SearchPath programs,
    int stepOffset,
    int steps) {

  public DemoConfig {
    images = List.copyOf(images);
  }

  Surroundings surroundings() {
    return new Surroundings(repository, state.resolve("cluster"), programs, 0, false);
  }
}

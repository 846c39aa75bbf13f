package dev.lorax.e2e.demo;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.lorax.e2e.cluster.ClusterChoice;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What a later run must know about a running demo, kept as a file.
 *
 * @param operatorIsOurs whether the operator came with the demo, and goes with it
 * @param forward the forward behind the printed URL, once there is one
 */
record DemoState(ClusterChoice cluster, boolean operatorIsOurs, @Nullable LastingForward forward) {

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String NAME = "demo.json";

  static Optional<DemoState> read(Path folder) {
    Path file = folder.resolve(NAME);
    try {
      return Files.exists(file)
          ? Optional.of(JSON.readValue(file.toFile(), DemoState.class))
          : Optional.empty();
    } catch (IOException e) {
      throw new UncheckedIOException("could not read the state of the demo from " + file, e);
    }
  }

  DemoState withForward(LastingForward started) {
    return new DemoState(cluster, operatorIsOurs, started);
  }

  DemoState withOperator(boolean ours) {
    return new DemoState(cluster, ours, forward);
  }

  DemoState write(Path folder) {
    Path file = folder.resolve(NAME);
    Path written = folder.resolve(NAME + ".new");
    try {
      Files.createDirectories(folder);
      JSON.writeValue(written.toFile(), this);
      Files.move(written, file, StandardCopyOption.ATOMIC_MOVE);
      return this;
    } catch (IOException e) {
      throw new UncheckedIOException("could not write the state of the demo to " + file, e);
    }
  }
}

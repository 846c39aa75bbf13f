package dev.lorax.router;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;

/** A real shard of a tiny model, with adapters, in a process of its own. */
final class TinyShard implements AutoCloseable {
  private final Path directory;
  private final Process process;

  private TinyShard(Path directory, Process process) {
    this.directory = directory;
    this.process = process;
  }

  /**
   * Waits until it serves. LORAX_TEST_PYTHON names a Python that can run it.
   *
   * @param options of the shard; where there are any, the model is one that repeats itself
   */
  static TinyShard start(Path directory, String... options) throws Exception {
    Path log = directory.resolve("shard.log");
    String python = Objects.requireNonNull(System.getenv("LORAX_TEST_PYTHON"));
    var command = new ArrayList<>(List.of(python, "tests/tiny_shard.py", directory.toString()));
    command.addAll(List.of(options));
    var builder =
        new ProcessBuilder(command)
            .directory(Path.of("../shard-image").toFile())
            .redirectError(log.toFile());
    builder.environment().put("PYTHONPATH", "src");
    Process process = builder.start();
    BufferedReader lines = process.inputReader();
    String line = lines.readLine();
    while (line != null && !line.equals("serving")) {
      line = lines.readLine();
    }
    assertThat(line).as(Files.readString(log)).isEqualTo("serving");
    return new TinyShard(directory, process);
  }

  /** A router in front of it. */
  TestingRouter router(String... options) throws Exception {
    var all = new ArrayList<String>();
    all.addAll(List.of("--tokenizer-name", directory.resolve("tiny").toString()));
    all.addAll(List.of("--max-input-length", "400", "--max-total-tokens", "500"));
    all.addAll(List.of(options));
    return TestingRouter.startWith(directory.resolve("shard-0"), all);
  }

  @Override
  public void close() throws Exception {
    process.getOutputStream().close();
    if (!process.waitFor(1, TimeUnit.MINUTES)) {
      process.destroyForcibly();
    }
  }
}

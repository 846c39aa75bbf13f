package dev.lorax.launcher.faults;

import dev.lorax.launcher.convert.gguf.TinyGguf;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Models that must be converted first. */
final class Originals {

  /** Of 128 bytes each: half a second's work or more. */
  private static final int ROWS = 128 << 10;

  private static final Path DIRECTORY = Path.of("target", "originals").toAbsolutePath();

  private Originals() {}

  /** One file for all cases, as nobody writes to it. */
  static Path gguf() {
    return Written.GGUF;
  }

  private static final class Written {
    static final Path GGUF = write();

    private static Path write() {
      try {
        Path file = Files.createDirectories(DIRECTORY).resolve("large.gguf");
        return TinyGguf.llama().tensor("blk.0.ffn_gate.weight", ROWS).write(file);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}

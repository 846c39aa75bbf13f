package dev.lorax.router.tokenizer;

import java.nio.file.Path;

/**
 * What decides which build of the native library is loaded, in the words of the JVM's properties.
 *
 * @param system {@code os.name}
 * @param processor {@code os.arch}
 * @param home whose {@code .cache} keeps the library between starts
 */
public record Machine(String system, String processor, Path home) {
  /** Name of the library's folder for this machine. */
  String folder() {
    String family = system.startsWith("Mac") ? "osx" : "linux";
    return family + "-" + (processor.equals("amd64") ? "x86_64" : processor);
  }
}

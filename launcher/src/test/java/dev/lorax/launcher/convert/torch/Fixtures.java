package dev.lorax.launcher.convert.torch;

import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.Objects;

/** Files that {@code src/test/python/torch_fixtures.py} made. */
public final class Fixtures {

  private Fixtures() {}

  public static Path path(String name) {
    try {
      return Path.of(Objects.requireNonNull(Fixtures.class.getResource(name), name).toURI());
    } catch (URISyntaxException e) {
      throw new AssertionError(name, e);
    }
  }
}

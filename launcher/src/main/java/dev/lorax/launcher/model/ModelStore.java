package dev.lorax.launcher.model;

import dev.lorax.launcher.config.LauncherConfig.ModelConfig;
import java.nio.file.Files;
import java.nio.file.Path;

/** Turns a model id into a directory that can be served. */
public final class ModelStore {

  private final ModelConfig config;

  public ModelStore(ModelConfig config) {
    this.config = config;
  }

  /** Blocks for as long as it takes; an interrupt leaves nothing half-made behind. */
  public ModelDirectory downloadAndConvert() throws ModelException, InterruptedException {
    Path path = Path.of(config.id()).toAbsolutePath();
    if (Files.isDirectory(path)) {
      return ModelDirectory.open(path);
    }
    throw new ModelException("model %s does not exist".formatted(path));
  }
}

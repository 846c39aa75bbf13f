package dev.lorax.launcher.model;

import dev.lorax.launcher.config.ModelConfig;
import dev.lorax.launcher.convert.ConversionException;
import java.io.IOException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.regex.Pattern;

/** Turns a model id into a directory that can be served. */
public final class ModelStore {

  private static final String GGUF = ".gguf";

  /** {@code owner/name}, with an optional revision. */
  private static final Pattern HUB_ID = Pattern.compile("[\\w.-]+/[\\w.-]+(@[\\w./-]+)?");

  private final ModelConfig config;
  private final ConvertedModels converted;

  public ModelStore(ModelConfig config, InstantSource clock) {
    this.config = config;
    this.converted = new ConvertedModels(config.cache(), clock);
  }

  /** Blocks for as long as it takes; an interrupt leaves nothing half-made behind. */
  public ModelDirectory downloadAndConvert() throws ModelException, InterruptedException {
    Path path = Path.of(config.id()).toAbsolutePath();
    if (Files.isDirectory(path)) {
      return ModelDirectory.open(fileName(path), path);
    }
    if (!Files.exists(path)) {
      throw new ModelException(absent(path));
    }
    String name = fileName(path);
    if (!name.endsWith(GGUF)) {
      throw new ModelException(
          "model %s must be a directory in Hugging Face layout or a .gguf file".formatted(path));
    }
    return ModelDirectory.open(name.substring(0, name.length() - GGUF.length()), fromGguf(path));
  }

  private static String fileName(Path path) {
    Path last = path.normalize().getFileName();
    return last == null ? path.toString() : last.toString();
  }

  private Path fromGguf(Path file) throws ModelException, InterruptedException {
    try {
      return converted.fromGguf(file);
    } catch (ClosedByInterruptException e) {
      Thread.interrupted();
      throw new InterruptedException("conversion stopped");
    } catch (IOException e) {
      throw new ModelException("model file %s: %s".formatted(file, e), e);
    } catch (ConversionException e) {
      throw new ModelException("model file %s: %s".formatted(file, e.getMessage()), e);
    }
  }

  private String absent(Path path) {
    return HUB_ID.matcher(config.id()).matches() && !config.id().endsWith(GGUF)
        ? "model %s is neither a local directory nor a .gguf file, and download from the hub is not available in this version"
            .formatted(config.id())
        : "model %s does not exist: expected a directory in Hugging Face layout or a .gguf file"
            .formatted(path);
  }
}

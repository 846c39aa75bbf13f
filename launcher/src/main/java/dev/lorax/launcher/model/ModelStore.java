package dev.lorax.launcher.model;

import dev.lorax.launcher.config.ModelConfig;
import dev.lorax.launcher.convert.ConversionException;
import dev.lorax.launcher.convert.torch.TorchConversion;
import dev.lorax.launcher.download.DownloadException;
import dev.lorax.launcher.download.Progress;
import dev.lorax.launcher.download.ProgressReport;
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
  private final Progress progress;
  private final InstantSource clock;
  private final ConvertedModels converted;

  public ModelStore(ModelConfig config, Progress progress, InstantSource clock) {
    this.config = config;
    this.progress = progress;
    this.clock = clock;
    this.converted = new ConvertedModels(config.cache(), progress, clock);
  }

  /** Blocks for as long as it takes; an interrupt leaves nothing half-made behind. */
  public ModelDirectory downloadAndConvert() throws ModelException, InterruptedException {
    Path path = Path.of(config.id()).toAbsolutePath();
    String name = fileName(path);
    try (var report = ProgressReport.start(progress, null, clock)) {
      if (Files.isDirectory(path)) {
        return ModelDirectory.open(name, withSafetensors(name, path));
      }
      if (!Files.exists(path)) {
        throw new ModelException(absent(path));
      }
      if (!name.endsWith(GGUF)) {
        throw new ModelException(
            "model %s must be a directory in Hugging Face layout or a .gguf file".formatted(path));
      }
      String stem = name.substring(0, name.length() - GGUF.length());
      return ModelDirectory.open(stem, converted.fromGguf(stem, path));
    } catch (ClosedByInterruptException e) {
      Thread.interrupted();
      throw new InterruptedException("conversion stopped");
    } catch (ConversionException | DownloadException e) {
      throw new ModelException("model %s: %s".formatted(path, e.getMessage()), e);
    } catch (IOException e) {
      throw new ModelException("model %s: %s".formatted(path, e), e);
    }
  }

  /** The directory itself, or a converted copy of one that has PyTorch weights alone. */
  private Path withSafetensors(String name, Path directory)
      throws IOException, ConversionException, DownloadException, InterruptedException {
    return WeightFiles.in(directory).isEmpty() && !TorchConversion.modelFiles(directory).isEmpty()
        ? converted.fromTorch(name, directory)
        : directory;
  }

  private static String fileName(Path path) {
    Path last = path.normalize().getFileName();
    return last == null ? path.toString() : last.toString();
  }

  private String absent(Path path) {
    return HUB_ID.matcher(config.id()).matches() && !config.id().endsWith(GGUF)
        ? "model %s is neither a local directory nor a .gguf file, and download from the hub is not available in this version"
            .formatted(config.id())
        : "model %s does not exist: expected a directory in Hugging Face layout or a .gguf file"
            .formatted(path);
  }
}

package dev.lorax.launcher.model;

import dev.lorax.launcher.config.AdapterReference;
import dev.lorax.launcher.config.ModelConfig;
import dev.lorax.launcher.config.Source;
import dev.lorax.launcher.config.UnreadableCertificateException;
import dev.lorax.launcher.convert.ConversionException;
import dev.lorax.launcher.convert.torch.TorchConversion;
import dev.lorax.launcher.download.DownloadException;
import dev.lorax.launcher.download.FileSelection;
import dev.lorax.launcher.download.Progress;
import dev.lorax.launcher.failure.FailureCode;
import dev.lorax.launcher.failure.Refusal;
import dev.lorax.launcher.hub.HubRepository;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;

/** Turns the ids of a model and its adapters into directories that can be served. */
public final class ModelStore {

  private static final String GGUF = ".gguf";
  private static final String ADAPTER_CHECKPOINT = "adapter_model.bin";

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

  /**
   * The base model; adapters of remote sources are in the cache when this returns. Blocks for as
   * long as that takes. An interrupt leaves nothing that looks whole and is not.
   */
  public ModelDirectory downloadAndConvert() throws ModelException, InterruptedException {
    try (var remote = new RemoteRepositories(config, progress, clock)) {
      ModelDirectory model = baseModel(remote);
      for (var adapter : config.adapters()) {
        fetchAdapter(adapter, remote);
      }
      return model;
    }
  }

  private ModelDirectory baseModel(RemoteRepositories remote)
      throws ModelException, InterruptedException {
    return named(
        "model",
        config.id(),
        () -> {
          if (config.source() == Source.LOCAL || looksLocal()) {
            return local(Path.of(config.id()).toAbsolutePath());
          }
          Path directory =
              remote.fetch(
                  config.source(), config.id(), config.revision(), FileSelection.BASE_MODEL);
          return ModelDirectory.open(config.id(), prepared(config.id(), directory));
        });
  }

  /** An id that no hub can have is a path that was mistyped. */
  private boolean looksLocal() {
    return config.source() == Source.HUB
        && (config.id().endsWith(GGUF) || !HubRepository.isId(config.id()));
  }

  private void fetchAdapter(AdapterReference adapter, RemoteRepositories remote)
      throws ModelException, InterruptedException {
    if (adapter.source() == Source.LOCAL) {
      return;
    }
    named(
        "adapter",
        adapter.toString(),
        () -> {
          Path directory =
              remote.fetch(
                  adapter.source(), adapter.id(), adapter.revision(), FileSelection.ADAPTER);
          if (WeightFiles.in(directory).isEmpty()
              && Files.exists(directory.resolve(ADAPTER_CHECKPOINT))) {
            converted.adapterFromTorch(adapter.toString(), directory);
          }
          return directory;
        });
  }

  private ModelDirectory local(Path path)
      throws IOException,
          ModelException,
          ConversionException,
          DownloadException,
          InterruptedException {
    String name = fileName(path);
    if (Files.isDirectory(path)) {
      return ModelDirectory.open(name, prepared(name, path));
    }
    if (!Files.exists(path)) {
      throw new ModelException(
          FailureCode.MODEL_NOT_FOUND,
          "model %s does not exist: expected a directory in Hugging Face layout or a .gguf file"
              .formatted(path));
    }
    if (!name.endsWith(GGUF)) {
      throw new ModelException(
          FailureCode.WRONG_ARGUMENTS,
          "model %s must be a directory in Hugging Face layout or a .gguf file".formatted(path));
    }
    return ModelDirectory.open(stem(name), converted.fromGguf(stem(name), path));
  }

  /** The directory itself, or a converted copy of one that has weights of another kind alone. */
  private Path prepared(String name, Path directory)
      throws IOException, ConversionException, DownloadException, InterruptedException {
    if (!WeightFiles.in(directory).isEmpty()) {
      return directory;
    }
    if (!TorchConversion.modelFiles(directory).isEmpty()) {
      return converted.fromTorch(name, directory);
    }
    List<Path> gguf = ggufFiles(directory);
    return gguf.size() == 1
        ? converted.fromGguf(stem(fileName(gguf.getFirst())), gguf.getFirst())
        : directory;
  }

  private static List<Path> ggufFiles(Path directory) throws IOException {
    List<Path> found = new ArrayList<>();
    try (var files = Files.newDirectoryStream(directory, "*" + GGUF)) {
      files.forEach(found::add);
    }
    return found;
  }

  private static String fileName(Path path) {
    Path last = path.normalize().getFileName();
    return last == null ? path.toString() : last.toString();
  }

  private static String stem(String name) {
    return name.substring(0, name.length() - GGUF.length());
  }

  /** Work on one model or adapter. */
  private interface Work<T> {
    T run()
        throws IOException,
            ModelException,
            ConversionException,
            DownloadException,
            InterruptedException;
  }

  /** Whatever goes wrong becomes one sentence that begins with whose trouble it is. */
  private static <T> T named(String kind, String id, Work<T> work)
      throws ModelException, InterruptedException {
    try {
      return work.run();
    } catch (ClosedByInterruptException e) {
      Thread.interrupted();
      throw new InterruptedException("conversion stopped");
    } catch (ConversionException | DownloadException | UnreadableCertificateException e) {
      throw new ModelException(e.code(), sentence(kind, id, String.valueOf(e.getMessage())), e);
    } catch (UncheckedIOException | DirectoryIteratorException e) {
      throw refused(kind, id, e.getCause() instanceof IOException why ? why : new IOException(e));
    } catch (IOException e) {
      throw refused(kind, id, e);
    }
  }

  private static ModelException refused(String kind, String id, IOException e) {
    return new ModelException(FailureCode.of(e), sentence(kind, id, Refusal.sentence(e)), e);
  }

  /** Downloads may say by themselves whose trouble it is. */
  private static String sentence(String kind, String id, String trouble) {
    return trouble.startsWith(id + ": ")
        ? "%s %s".formatted(kind, trouble)
        : "%s %s: %s".formatted(kind, id, trouble);
  }
}

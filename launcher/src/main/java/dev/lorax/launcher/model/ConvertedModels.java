package dev.lorax.launcher.model;

import dev.lorax.launcher.convert.Conversion;
import dev.lorax.launcher.convert.ConversionException;
import dev.lorax.launcher.convert.ConversionProgress;
import dev.lorax.launcher.convert.gguf.GgufConversion;
import dev.lorax.launcher.convert.torch.TorchConversion;
import dev.lorax.launcher.download.CacheLock;
import dev.lorax.launcher.download.DirectoryTree;
import dev.lorax.launcher.download.DownloadException;
import dev.lorax.launcher.download.LocalVolume;
import dev.lorax.launcher.download.Progress;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Models converted from GGUF files and PyTorch checkpoints, each in a directory of the cache named
 * after what it was made from.
 *
 * <p>A directory appears by a rename when it is complete, and launchers that share the cache take
 * turns through a lock file; so what is there can be used, and is made once.
 */
final class ConvertedModels {

  private static final Logger LOG = LoggerFactory.getLogger("launcher");

  private static final String ADAPTER_WEIGHTS = "adapter_model.safetensors";

  private final Path cache;
  private final Progress progress;
  private final InstantSource clock;
  private final KnownFiles known;

  ConvertedModels(Path cache, Progress progress, InstantSource clock) {
    this.cache = cache;
    this.progress = progress;
    this.clock = clock;
    this.known = new KnownFiles(cache, clock);
  }

  /** Looks at the original only when it has to be converted. */
  private interface Original {
    Conversion open() throws IOException, ConversionException;
  }

  Path fromGguf(String name, Path file)
      throws IOException, ConversionException, DownloadException, InterruptedException {
    KnownFiles.Sighting sighting = known.look(name, file);
    Optional<Path> before = known.model(sighting);
    if (before.isPresent()) {
      return convertedBefore(before.get());
    }
    String directory = "gguf--%s--%s".formatted(name, ContentHash.of(file));
    Path model = once(name, directory, () -> GgufConversion.open(file));
    known.remember(sighting, known.look(name, file), model);
    return model;
  }

  /**
   * @param name of the model, for people
   */
  Path fromTorch(String name, Path model)
      throws IOException, ConversionException, DownloadException, InterruptedException {
    return once(name, torchName(name, model), () -> TorchConversion.ofModel(model));
  }

  /** Puts an adapter's safetensors beside their original, which is where shards look for them. */
  void adapterFromTorch(String name, Path adapter)
      throws IOException, ConversionException, DownloadException, InterruptedException {
    Path weights = adapter.resolve(ADAPTER_WEIGHTS);
    Path made = once(name, torchName(name, adapter), () -> TorchConversion.ofAdapter(adapter));
    Path unfinished = adapter.resolve("." + ADAPTER_WEIGHTS + ".unfinished");
    Files.copy(made.resolve(ADAPTER_WEIGHTS), unfinished, StandardCopyOption.REPLACE_EXISTING);
    Files.move(unfinished, weights, StandardCopyOption.ATOMIC_MOVE);
  }

  private static String torchName(String name, Path directory) throws IOException {
    String flat = name.replaceFirst("^s3://", "").replace("/", "--");
    return "bin--%s--%s".formatted(flat, DirectoryStamp.of(directory));
  }

  private Path once(String name, String directoryName, Original original)
      throws IOException, ConversionException, DownloadException, InterruptedException {
    Path directory = cache.resolve(directoryName);
    if (Files.isDirectory(directory)) {
      return convertedBefore(directory);
    }
    try (var lock = CacheLock.acquire(cache.resolve("." + directoryName + ".lock"), name)) {
      if (Files.isDirectory(directory)) {
        LOG.atInfo().addKeyValue("directory", directory).log("another launcher converted it");
      } else {
        convert(name, original.open(), directory);
      }
    }
    return directory;
  }

  private static Path convertedBefore(Path directory) {
    LOG.atInfo().addKeyValue("directory", directory).log("model was converted before");
    return directory;
  }

  private void convert(String name, Conversion conversion, Path directory)
      throws IOException, ConversionException, DownloadException, InterruptedException {
    Path unfinished = directory.resolveSibling("." + directory.getFileName() + ".unfinished");
    DirectoryTree.delete(unfinished);
    LocalVolume.requireSpace(cache, conversion.weightBytes(), "the converted model");
    try {
      Files.createDirectory(unfinished);
      Instant start = clock.instant();
      progress.begin(Progress.Step.CONVERTING, name, conversion.weightBytes(), 1);
      conversion.writeTo(unfinished, credit());
      Files.move(unfinished, directory, StandardCopyOption.ATOMIC_MOVE);
      LOG.atInfo()
          .addKeyValue("directory", directory)
          .addKeyValue("elapsed", Duration.between(start, clock.instant()).toSeconds() + "s")
          .log("model converted");
    } catch (IOException e) {
      var refused = LocalVolume.refusal(unfinished, e);
      if (refused.isPresent()) {
        throw refused.get();
      }
      throw e;
    } finally {
      progress.end();
      DirectoryTree.delete(unfinished);
    }
  }

  private ConversionProgress credit() {
    return new ConversionProgress() {
      private long before;

      @Override
      public void written(long bytes) {
        progress.credit(bytes - before);
        before = bytes;
      }
    };
  }
}

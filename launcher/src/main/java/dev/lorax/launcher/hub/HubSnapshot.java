package dev.lorax.launcher.hub;

import dev.lorax.launcher.download.DownloadException;
import dev.lorax.launcher.download.FileSelection;
import dev.lorax.launcher.download.RemoteFile;
import dev.lorax.launcher.download.WeightIndex;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * A commit in the cache.
 *
 * @param directory of links, perhaps not there yet
 * @param blobs of what they lead to
 */
record HubSnapshot(Path directory, Path blobs) {

  private static final Pattern PART = Pattern.compile("(.*)-\\d{5}-of-(\\d{5})(\\..*)");

  /** Where the content of a file is or will be. */
  Path blob(RemoteFile file) {
    return blobs.resolve(file.version());
  }

  boolean holds(RemoteFile file) throws IOException {
    Path path = directory.resolve(file.path());
    return Files.isRegularFile(path) && Files.size(path) == file.size();
  }

  /** What of these still has to be fetched or linked. */
  List<RemoteFile> missing(Collection<RemoteFile> files) throws IOException {
    List<RemoteFile> missing = new ArrayList<>();
    for (var file : files) {
      if (!holds(file)) {
        missing.add(file);
      }
    }
    return missing;
  }

  /**
   * Whether everything is there, as far as that can be told without the hub: the key file, and all
   * weights that the index or their own names announce.
   */
  boolean looksWhole(FileSelection selection) throws IOException {
    Set<String> names = names();
    try {
      return switch (selection.weights(directory.toString(), names)) {
        case FileSelection.Weights.Gguf gguf -> true;
        case FileSelection.Weights.Indexed(var index) ->
            names.contains(selection.keyFile())
                && names.containsAll(WeightIndex.files(directory.resolve(index)));
        case FileSelection.Weights.Files(var files) ->
            names.contains(selection.keyFile()) && allParts(files);
      };
    } catch (DownloadException noneOrTooMany) {
      return false;
    }
  }

  /** {@code model-00001-of-00003.safetensors} announces two more. */
  private static boolean allParts(List<String> names) {
    for (var name : names) {
      Matcher part = PART.matcher(name);
      if (part.matches()) {
        String all =
            "%s-\\d{5}-of-%s%s"
                .formatted(
                    Pattern.quote(part.group(1)), part.group(2), Pattern.quote(part.group(3)));
        if (names.stream().filter(other -> other.matches(all)).count()
            != Integer.parseInt(part.group(2))) {
          return false;
        }
      }
    }
    return true;
  }

  private Set<String> names() throws IOException {
    if (!Files.isDirectory(directory)) {
      return Set.of();
    }
    try (var files = Files.list(directory)) {
      return files
          .filter(Files::isRegularFile)
          .map(file -> file.getFileName().toString())
          .collect(Collectors.toCollection(TreeSet::new));
    }
  }

  /**
   * Links files whose contents are there. The key file comes last: until then nobody takes the
   * directory for a model.
   */
  void publish(Collection<RemoteFile> files, String keyFile) throws IOException {
    for (var file : files) {
      if (!file.path().equals(keyFile)) {
        link(file);
      }
    }
    for (var file : files) {
      if (file.path().equals(keyFile)) {
        link(file);
      }
    }
  }

  private void link(RemoteFile file) throws IOException {
    if (holds(file)) {
      return;
    }
    Path link = directory.resolve(file.path());
    Path parent = link.resolveSibling("");
    Files.createDirectories(parent);
    Path content = parent.relativize(blob(file));
    Path unfinished = link.resolveSibling("." + link.getFileName() + ".unfinished");
    Files.deleteIfExists(unfinished);
    Files.createSymbolicLink(unfinished, content);
    Files.move(unfinished, link, StandardCopyOption.ATOMIC_MOVE);
  }
}

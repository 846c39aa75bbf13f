package dev.lorax.launcher.s3;

import dev.lorax.launcher.download.Checksum;
import dev.lorax.launcher.download.DownloadException;
import dev.lorax.launcher.download.FileSelection;
import dev.lorax.launcher.download.RemoteFile;
import dev.lorax.launcher.failure.FailureCode;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HexFormat;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.regex.Pattern;

/**
 * What lies directly below an address, and what of it is wanted.
 *
 * @param files by name
 */
record S3Listing(S3Address address, FileSelection selection, SortedMap<String, RemoteFile> files) {

  private static final Pattern WEIGHTS = Pattern.compile(".*(\\.safetensors|\\.bin)");
  private static final Pattern MD5 = Pattern.compile("[0-9a-f]{32}");

  /** The ETag of an object that came in one piece is its MD5; any other has a dash. */
  static RemoteFile file(String name, long size, String etag) {
    Checksum checksum = MD5.matcher(etag).matches() ? new Checksum(Checksum.Kind.MD5, etag) : null;
    return new RemoteFile(name, size, etag, checksum);
  }

  /** The file that names the weights, where there is one. */
  Optional<RemoteFile> index() throws DownloadException {
    return weights() instanceof FileSelection.Weights.Indexed(var name)
        ? Optional.of(file(name))
        : Optional.empty();
  }

  /**
   * What the loaders need: the key file, weights, the rest.
   *
   * @param indexed the weight files that the {@linkplain #index() index} names, where there is one
   */
  List<RemoteFile> wanted(Collection<String> indexed) throws DownloadException {
    Set<String> names = new LinkedHashSet<>();
    names.add(selection.keyFile());
    switch (weights()) {
      case FileSelection.Weights.Files(var weights) -> names.addAll(weights);
      case FileSelection.Weights.Indexed(var index) -> {
        names.add(index);
        names.addAll(indexed);
      }
      case FileSelection.Weights.Gguf(var gguf) -> {
        return List.of(file(gguf));
      }
    }
    selection.requireCompanions(address.toString(), files.keySet());
    names.addAll(selection.companions(files.keySet()));
    List<RemoteFile> wanted = new ArrayList<>();
    for (var name : names) {
      wanted.add(file(name));
    }
    return wanted;
  }

  /**
   * Names the wanted content as a commit would: it changes when anything does that may be wanted.
   * The shard computes the same for an adapter.
   */
  String version() throws DownloadException {
    List<String> all = files.keySet().stream().filter(WEIGHTS.asMatchPredicate()).toList();
    StringBuilder text = new StringBuilder();
    for (var file : wanted(index().isPresent() ? all : List.of())) {
      text.append(text.isEmpty() ? "" : "\n")
          .append("%s %d ".formatted(file.path(), file.size()))
          .append(file.checksum() == null ? "etag:" : "md5:")
          .append(file.version());
    }
    try {
      var sha256 = MessageDigest.getInstance("SHA-256");
      return HexFormat.of()
          .formatHex(sha256.digest(text.toString().getBytes(StandardCharsets.UTF_8)));
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every JDK has SHA-256", e);
    }
  }

  private FileSelection.Weights weights() throws DownloadException {
    return selection.weights(address.toString(), files.keySet());
  }

  private RemoteFile file(String name) throws DownloadException {
    RemoteFile file = files.get(name);
    if (file == null) {
      throw new DownloadException(
          FailureCode.INCOMPLETE_MODEL,
          "%s lacks %s, which its weights index names".formatted(address, name));
    }
    return file;
  }
}

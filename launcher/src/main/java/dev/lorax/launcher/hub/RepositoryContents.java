package dev.lorax.launcher.hub;

import dev.lorax.launcher.download.DownloadException;
import dev.lorax.launcher.download.FileSelection;
import dev.lorax.launcher.download.RemoteFile;
import dev.lorax.launcher.download.Retries;
import dev.lorax.launcher.download.RetryPolicy;
import dev.lorax.launcher.download.WeightIndex;
import dev.lorax.launcher.failure.FailureCode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;

/**
 * Which files of a listed repository are wanted, and what is wrong with it when they are not there.
 */
final class RepositoryContents {

  private final HubRepository repository;
  private final HubListing listing;
  private final FileSelection selection;
  private final HubClient client;
  private final RetryPolicy policy;

  RepositoryContents(
      HubRepository repository,
      HubListing listing,
      FileSelection selection,
      HubClient client,
      RetryPolicy policy) {
    this.repository = repository;
    this.listing = listing;
    this.selection = selection;
    this.client = client;
    this.policy = policy;
  }

  /** The file that names the weights, where there is one; it must be fetched before the others. */
  Optional<RemoteFile> index() throws DownloadException, InterruptedException {
    return weights() instanceof FileSelection.Weights.Indexed(var name)
        ? Optional.of(describe(name))
        : Optional.empty();
  }

  /**
   * Everything that is wanted.
   *
   * @param index the content of the {@linkplain #index() index}, where there is one
   */
  List<RemoteFile> files(Optional<Path> index)
      throws IOException, DownloadException, InterruptedException {
    Collection<String> names = new TreeSet<>();
    FileSelection.Weights weights = weights();
    switch (weights) {
      case FileSelection.Weights.Files(var files) -> names.addAll(files);
      case FileSelection.Weights.Gguf(var file) -> names.add(file);
      case FileSelection.Weights.Indexed(var name) -> {
        names.add(name);
        names.addAll(WeightIndex.files(index.orElseThrow()));
      }
    }
    if (!(weights instanceof FileSelection.Weights.Gguf)) {
      selection.requireCompanions(repository.toString(), listing.paths());
      names.addAll(selection.companions(listing.paths()));
    }
    List<RemoteFile> files = new ArrayList<>();
    for (var name : names) {
      files.add(describe(name));
    }
    return files;
  }

  private FileSelection.Weights weights() throws DownloadException {
    return selection.weights(repository.toString(), listing.paths());
  }

  private RemoteFile describe(String path) throws DownloadException, InterruptedException {
    if (!listing.paths().contains(path)) {
      throw new DownloadException(
          FailureCode.INCOMPLETE_MODEL,
          "%s names %s in its weights index but does not hold it".formatted(repository, path));
    }
    RemoteFile listed = listing.files().get(path);
    return listed != null
        ? listed
        : new Retries(policy, path)
            .until(() -> client.describe(repository, listing.commit(), path));
  }
}

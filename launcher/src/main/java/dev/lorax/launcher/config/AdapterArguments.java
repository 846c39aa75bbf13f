package dev.lorax.launcher.config;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Options about adapters, as typed. */
final class AdapterArguments {

  @Option(
      names = "--adapter-id",
      paramLabel = "ID",
      description = {"Answers the requests that name no adapter.", "none"})
  @Nullable String adapterId;

  @Option(
      names = "--adapter-source",
      paramLabel = "SOURCE",
      description = {"Of --adapter-id: hub, s3 or local.", "hub; local with --adapter-root"})
  @Nullable Source adapterSource;

  @Option(
      names = "--merge-adapter-weights",
      description = "Merge --adapter-id into the base model, and serve no other adapter.")
  boolean mergeAdapterWeights;

  @Option(
      names = "--default-adapter-source",
      paramLabel = "SOURCE",
      description = {"Of adapters whose request names none.", "= --adapter-source"})
  @Nullable Source defaultAdapterSource;

  @Option(
      names = "--preloaded-adapter-ids",
      split = ",",
      paramLabel = "ID",
      description = {"Loaded before the first request. Repeatable, or with commas.", "none"})
  List<String> preloadedAdapterIds = new ArrayList<>();

  @Option(
      names = "--preloaded-adapter-source",
      paramLabel = "SOURCE",
      description = {"Of --preloaded-adapter-ids.", "= --adapter-source"})
  @Nullable Source preloadedAdapterSource;

  @Option(
      names = "--adapter-root",
      split = ":",
      paramLabel = "DIR",
      description = {
        "Ids of source local are paths below it, and nothing else is read. Repeatable, or with"
            + " colons.",
        "none"
      })
  List<Path> adapterRoots = new ArrayList<>();

  @Option(
      names = "--adapter-memory-fraction",
      paramLabel = "SHARE",
      description = "Share of the device's memory for adapters.")
  double adapterMemoryFraction = 0.1;

  Source source() {
    if (adapterSource != null) {
      return adapterSource;
    }
    return adapterRoots.isEmpty() ? Source.HUB : Source.LOCAL;
  }

  Source sourceOfRequests() {
    return defaultAdapterSource == null ? source() : defaultAdapterSource;
  }

  private Source sourceOfPreloaded() {
    return preloadedAdapterSource == null ? source() : preloadedAdapterSource;
  }

  @Nullable AdapterReference staticAdapter() {
    return adapterId == null ? null : AdapterReference.parse(adapterId, source());
  }

  List<AdapterReference> preloaded() {
    return preloadedAdapterIds.stream()
        .map(id -> AdapterReference.parse(id, sourceOfPreloaded()))
        .toList();
  }

  /** The static and the preloaded adapters, each once. */
  List<AdapterReference> known() {
    return Stream.concat(Stream.ofNullable(staticAdapter()), preloaded().stream())
        .distinct()
        .toList();
  }

  void check(Problems problems) {
    problems.share(true, "--adapter-memory-fraction", adapterMemoryFraction);
    for (var root : adapterRoots) {
      problems.expect(Files.isDirectory(root), "--adapter-root", "a directory that exists", root);
    }
    Set<String> seen = new LinkedHashSet<>();
    for (var id : preloadedAdapterIds) {
      problems.expect(seen.add(id), "--preloaded-adapter-ids", "each id once", id + " again");
      checkId("--preloaded-adapter-ids", id, sourceOfPreloaded(), problems);
    }
    problems.expect(
        !mergeAdapterWeights || adapterId != null,
        "--merge-adapter-weights",
        "--adapter-id to merge",
        "none",
        "add it");
    problems.expect(
        !mergeAdapterWeights || preloadedAdapterIds.isEmpty(),
        "--preloaded-adapter-ids",
        "none beside --merge-adapter-weights, which changes the model they were made for",
        preloadedAdapterIds,
        "leave one of them out");
    if (adapterId != null) {
      checkId("--adapter-id", adapterId, source(), problems);
    }
  }

  private void checkId(String option, String id, Source source, Problems problems) {
    switch (source) {
      case HUB ->
          problems.expect(
              HubId.matches(id),
              option,
              "a hub id such as org/name",
              id,
              "for a directory add --adapter-root and --adapter-source local");
      case LOCAL ->
          problems.expect(
              !adapterRoots.isEmpty(),
              option,
              "--adapter-root with adapters of source local",
              id + " and no root",
              "add --adapter-root DIR, the directory that %s is in".formatted(id));
      case S3 -> problems.expect(S3Id.parse(id).isPresent(), option, S3Id.FORM, id);
    }
  }
}

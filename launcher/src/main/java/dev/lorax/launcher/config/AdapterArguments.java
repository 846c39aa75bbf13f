package dev.lorax.launcher.config;

import dev.lorax.options.Kind;
import dev.lorax.options.Option;
import dev.lorax.options.Problems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Options about adapters, as typed. */
final class AdapterArguments {

  @Nullable String adapterId;
  @Nullable Source adapterSource;
  boolean mergeAdapterWeights;
  @Nullable Source defaultAdapterSource;
  List<String> preloadedAdapterIds = new ArrayList<>();
  @Nullable Source preloadedAdapterSource;
  List<Path> adapterRoots = new ArrayList<>();
  double adapterMemoryFraction = 0.1;

  List<Option<?>> options() {
    return List.of(
        Option.of("--adapter-id", Kind.TEXT, value -> adapterId = value)
            .usually("none")
            .says("ID", "Answers the requests that name no adapter."),
        Option.of("--adapter-source", Kind.oneOf(Source.values()), value -> adapterSource = value)
            .usually("hub; local with --adapter-root")
            .says("SOURCE", "Of --adapter-id: hub, s3 or local."),
        Option.of("--merge-adapter-weights", Kind.SWITCH, value -> mergeAdapterWeights = value)
            .says("Merge --adapter-id into the base model, and serve no other adapter."),
        Option.of(
                "--default-adapter-source",
                Kind.oneOf(Source.values()),
                value -> defaultAdapterSource = value)
            .usually("= --adapter-source")
            .says("SOURCE", "Of adapters whose request names none."),
        Option.of("--preloaded-adapter-ids", Kind.TEXT, preloadedAdapterIds::add)
            .separatedBy(",")
            .usually("none")
            .says("ID", "Loaded before the first request. Repeatable, or with commas."),
        Option.of(
                "--preloaded-adapter-source",
                Kind.oneOf(Source.values()),
                value -> preloadedAdapterSource = value)
            .usually("= --adapter-source")
            .says("SOURCE", "Of --preloaded-adapter-ids."),
        Option.of("--adapter-root", Kind.PATH, adapterRoots::add)
            .alsoIn("LORAX_ADAPTER_ROOTS")
            .separatedBy(":")
            .usually("none")
            .says(
                "DIR",
                "Ids of source local are paths below it, and nothing else is read. Repeatable, or with colons."),
        Option.of("--adapter-memory-fraction", Kind.NUMBER, value -> adapterMemoryFraction = value)
            .initially(adapterMemoryFraction)
            .says("SHARE", "Share of the device's memory for adapters."));
  }

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

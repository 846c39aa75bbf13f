package dev.lorax.launcher.config;

import dev.lorax.options.Kind;
import dev.lorax.options.Option;
import dev.lorax.options.Problems;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Options about the base model, as typed. */
final class ModelArguments {

  String modelId = "mistralai/Mistral-7B-Instruct-v0.1";
  @Nullable String revision;
  Source source = Source.HUB;
  @Nullable Path cache;
  boolean trustRemoteCode;
  boolean downloadOnly;

  List<Option<?>> options() {
    return List.of(
        Option.of("--model-id", Kind.TEXT, value -> modelId = value)
            .initially(modelId)
            .says(
                "MODEL",
                "Hub id, s3://bucket/prefix, directory in Hugging Face layout or .gguf file. A hub id may end in @REVISION."),
        Option.of("--revision", Kind.TEXT, value -> revision = value)
            .usually("its default branch")
            .says("REV", "Branch, tag or commit of a hub model."),
        Option.of("--source", Kind.oneOf(Source.values()), value -> source = value)
            .initially(source)
            .says("SOURCE", "hub, s3 or local. What exists on disk is taken as it is in any case."),
        Option.of("--huggingface-hub-cache", Kind.PATH, value -> cache = value)
            .usually("~/.cache/lorax/models; /data in pods")
            .says(
                "DIR",
                "Downloaded and converted models, in the layout of huggingface_hub. Its other variables, HF_HUB_CACHE and HF_HOME, count too."),
        Option.of("--trust-remote-code", Kind.SWITCH, value -> trustRemoteCode = value)
            .says("Accepted, and without effect: no model's own code is ever run."),
        Option.of("--download-only", Kind.SWITCH, value -> downloadOnly = value)
            .says("Download and convert the model and the adapters named here, then end."));
  }

  private boolean onDisk() {
    try {
      return Files.exists(Path.of(modelId));
    } catch (InvalidPathException e) {
      return false;
    }
  }

  private int revisionMark() {
    return onDisk() || source != Source.HUB ? -1 : modelId.lastIndexOf('@');
  }

  ModelConfig toConfig(RemoteStores stores, Path defaultCache, List<AdapterReference> adapters) {
    int at = revisionMark();
    return new ModelConfig(
        at < 0 ? modelId : modelId.substring(0, at),
        at < 0 ? revision : modelId.substring(at + 1),
        onDisk() ? Source.LOCAL : source,
        stores.hubCache(cache, defaultCache).toAbsolutePath(),
        adapters,
        stores.hub(),
        stores.s3(),
        downloadOnly);
  }

  void check(Problems problems) {
    boolean present = onDisk();
    if (!present) {
      checkAddress(problems);
    }
    problems.expect(
        revision == null || revisionMark() < 0,
        "--revision",
        "one revision",
        revision + " and that of --model-id " + modelId,
        "leave one of them out");
    problems.expect(
        revision == null || (source == Source.HUB && !present),
        "--revision",
        "none, because only a hub has revisions",
        revision,
        "leave it out");
    problems.expect(
        cache == null || !Files.exists(cache) || Files.isDirectory(cache),
        "--huggingface-hub-cache",
        "a directory",
        cache,
        "which is a file");
  }

  private void checkAddress(Problems problems) {
    switch (source) {
      case LOCAL ->
          problems.missing(
              "--model-id",
              "expected a directory or .gguf file that exists, got %s".formatted(modelId));
      case S3 -> problems.expect(S3Id.parse(modelId).isPresent(), "--model-id", S3Id.FORM, modelId);
      case HUB -> {
        if (modelId.startsWith("s3://")) {
          problems.add(
              "--model-id",
              "expected a hub id such as org/name, got %s; add --source s3".formatted(modelId));
        } else if (!HubId.matches(modelId)) {
          problems.missing(
              "--model-id",
              "expected a hub id such as org/name, or a directory or .gguf file that exists, got %s; check the path"
                  .formatted(modelId));
        }
      }
    }
  }
}

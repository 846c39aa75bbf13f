package dev.lorax.launcher.config;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Options about the base model, as typed. */
final class ModelArguments {

  @Option(
      names = "--model-id",
      paramLabel = "MODEL",
      defaultValue = "mistralai/Mistral-7B-Instruct-v0.1",
      description =
          "Hub id, s3://bucket/prefix, directory in Hugging Face layout or .gguf file. A hub id"
              + " may end in @REVISION.")
  String modelId = "";

  @Option(
      names = "--revision",
      paramLabel = "REV",
      description = "Branch, tag or commit of a hub model.")
  @Nullable String revision;

  @Option(
      names = "--source",
      paramLabel = "SOURCE",
      defaultValue = "hub",
      description = "hub, s3 or local; what exists on disk is always taken as it is.")
  Source source = Source.HUB;

  @Option(
      names = "--huggingface-hub-cache",
      paramLabel = "DIR",
      description =
          "Downloaded and converted models. Default: as huggingface_hub reads HF_HUB_CACHE and"
              + " HF_HOME, else ~/.cache/lorax/models, /data in pods.")
  @Nullable Path cache;

  @Option(
      names = "--weights-cache-override",
      paramLabel = "DIR",
      description = "Takes the weight files from here and only the rest from the source.")
  @Nullable Path weightsCacheOverride;

  @Option(names = "--trust-remote-code", description = "Accepted; no model's code is ever run.")
  boolean trustRemoteCode;

  @Option(names = "--download-only", description = "Prepare model and adapters, and end.")
  boolean downloadOnly;
}

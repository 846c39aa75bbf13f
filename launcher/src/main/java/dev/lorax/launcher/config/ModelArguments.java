package dev.lorax.launcher.config;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Options about the base model, as typed. */
final class ModelArguments {

  @Option(
      names = "--model-id",
      paramLabel = "MODEL",
      description = "Directory in Hugging Face layout, or a .gguf file.")
  @Nullable String modelId;

  @Option(names = "--revision", paramLabel = "REV", description = "Git revision of a hub model.")
  @Nullable String revision;

  @Option(
      names = "--source",
      paramLabel = "SOURCE",
      defaultValue = "local",
      description = "Where the model comes from: local.")
  String source = "local";

  @Option(
      names = "--huggingface-hub-cache",
      paramLabel = "DIR",
      description =
          "Converted models are kept here. Default: ~/.cache/lorax/models, /data in pods.")
  @Nullable Path cache;

  @Option(names = "--download-only", description = "Prepare the model and end.")
  boolean downloadOnly;
}

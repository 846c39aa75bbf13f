package dev.lorax.launcher.config;

import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What has to be on disk before any process starts.
 *
 * @param id hub id, S3 address, directory in Hugging Face layout or GGUF file; without revision
 * @param revision branch, tag or commit of a hub repository; null is its default branch
 * @param source LOCAL whenever the id is a file or directory that exists
 * @param cache in the layout of huggingface_hub; converted models lie beside it
 * @param adapters the static and the preloaded ones, each once
 * @param downloadOnly end when all of it is there
 */
public record ModelConfig(
    String id,
    @Nullable String revision,
    Source source,
    Path cache,
    List<AdapterReference> adapters,
    HubConfig hub,
    S3Config s3,
    boolean downloadOnly) {

  public ModelConfig {
    adapters = List.copyOf(adapters);
  }
}

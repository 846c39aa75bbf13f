package dev.lorax.router.http;

import dev.lorax.router.batching.BatchLimits;
import dev.lorax.router.request.RequestLimits;
import org.jspecify.annotations.Nullable;

/**
 * What {@code /info} tells about this server.
 *
 * @param modelId the name by which clients know the base model
 */
public record ServerFacts(
    String modelId,
    @Nullable String revision,
    RequestLimits limits,
    BatchLimits batch,
    int validationWorkers,
    String version) {}

package dev.lorax.router.http;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.lorax.router.batching.ModelAbilities;
import dev.lorax.router.batching.ShardProfile;
import dev.lorax.router.request.RequestLimits;
import io.vertx.core.Handler;
import io.vertx.ext.web.RoutingContext;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** Upstream's description of the server; what the shards say is null while none are connected. */
final class InfoRoute implements Handler<RoutingContext> {
  private final Gateway gateway;

  InfoRoute(Gateway gateway) {
    this.gateway = gateway;
  }

  @Override
  public void handle(RoutingContext http) {
    ShardProfile shards = gateway.loop().status().shards();
    Bodies.json(http.response(), Json.write(json -> write(json, shards)));
  }

  /** A hub's word for what the model is there for; upstream asks a hub for it. */
  private @Nullable String pipeline() {
    ModelAbilities abilities = gateway.texts().abilities();
    if (abilities.generates()) {
      return null;
    }
    return switch (abilities.classification()) {
      case NONE -> "feature-extraction";
      case TOKENS -> "token-classification";
      case TEXTS -> "text-classification";
    };
  }

  private void write(JsonGenerator json, @Nullable ShardProfile shards) throws IOException {
    ServerFacts facts = gateway.facts();
    RequestLimits limits = facts.limits();
    json.writeStringField("model_id", facts.modelId());
    json.writeStringField("model_sha", facts.revision());
    json.writeStringField("model_dtype", shards == null ? null : shards.dtype());
    json.writeStringField("model_device_type", shards == null ? null : shards.deviceType());
    json.writeStringField("model_pipeline_tag", pipeline());
    json.writeNumberField("max_concurrent_requests", limits.maxConcurrentRequests());
    json.writeNumberField("max_best_of", limits.maxBestOf());
    json.writeNumberField("max_stop_sequences", limits.maxStopSequences());
    json.writeNumberField("max_input_length", limits.maxInputLength());
    json.writeNumberField("max_total_tokens", limits.maxTotalTokens());
    json.writeNumberField("waiting_served_ratio", facts.batch().waitingServedRatio());
    json.writeNumberField(
        "max_batch_total_tokens", shards == null ? 0 : shards.maxBatchTotalTokens());
    json.writeNumberField("max_waiting_tokens", facts.batch().maxWaitingSteps());
    json.writeNumberField("validation_workers", facts.validationWorkers());
    json.writeBooleanField("eager_prefill", facts.batch().eagerPrefill());
    json.writeStringField("version", facts.version());
    json.writeNullField("sha");
    json.writeNullField("docker_label");
    json.writeNullField("request_logger_url");
  }
}

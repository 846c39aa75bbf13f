package dev.lorax.router.http;

import dev.lorax.router.access.ApiKeys;
import dev.lorax.router.batching.BatchLoop;
import dev.lorax.router.batching.Ticker;
import dev.lorax.router.generation.SchemaCheck;
import dev.lorax.router.metrics.RouterMetrics;
import dev.lorax.router.request.Intake;
import dev.lorax.router.request.Preparer;
import dev.lorax.router.tracing.Tracing;

/** What the routes lead to. All of it is thread-safe. */
public record Gateway(
    ServerFacts facts,
    BatchLoop loop,
    Intake intake,
    Preparer preparer,
    TextGateway texts,
    SchemaCheck schemas,
    ApiKeys keys,
    RouterMetrics metrics,
    Tracing tracing,
    Ticker ticker) {
  /** What the shards compute on, in upstream's words. */
  String computeType() {
    var shards = loop.status().shards();
    boolean gpu = shards != null && shards.deviceType().startsWith("cuda");
    return gpu ? "gpu+optimized" : "cpu";
  }
}

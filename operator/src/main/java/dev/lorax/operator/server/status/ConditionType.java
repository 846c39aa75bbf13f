package dev.lorax.operator.server.status;

/** The conditions of a {@code LoraxServer}. */
public enum ConditionType {
  /** All replicas asked for answer requests and run the current spec. */
  READY("Ready"),
  /** At least one replica answers requests. */
  AVAILABLE("Available"),
  /** Something is on its way that ends by itself. */
  PROGRESSING("Progressing"),
  /** Something does not pass by itself and needs somebody. */
  DEGRADED("Degraded"),
  /** All replicas have fetched and converted the model. */
  MODEL_CACHED("ModelCached"),
  /** The shards of all replicas have loaded the model. */
  SHARDS_READY("ShardsReady"),
  /** The routers of all replicas take requests. */
  ROUTER_READY("RouterReady"),
  /** All replicas hold the adapters to preload. */
  ADAPTERS_WARM("AdaptersWarm"),
  /** Shards reach each other's device memory. */
  PEER_ACCESS("PeerAccess");

  private final String typeName;

  ConditionType(String typeName) {
    this.typeName = typeName;
  }

  public String typeName() {
    return typeName;
  }
}

package dev.lorax.operator.server.plan;

import dev.lorax.crds.v1alpha1.LoraxServer;
import dev.lorax.crds.v1alpha1.Shards.Device;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.util.Map;

/** Identities, images and specs for tests. */
public final class Specs {

  public static final DefaultImages IMAGES =
      new DefaultImages(
          "docker.io/lorax/launcher:0.1.0",
          "docker.io/lorax/router:0.1.0",
          Map.of(Device.CPU, "docker.io/lorax/shard-cpu:0.1.0"));

  private Specs() {}

  /** A server from YAML; its spec is filled with defaults as the types do. */
  public static LoraxServer server(String yaml) {
    return Serialization.unmarshal(yaml, LoraxServer.class);
  }

  public static ServerIdentity identity(LoraxServer server) {
    var metadata = server.getMetadata();
    return new ServerIdentity(metadata.getNamespace(), metadata.getName(), metadata.getUid());
  }

  public static Planning plan(LoraxServer server) {
    return new ServingPlanner(IMAGES).plan(identity(server), server.getSpec());
  }

  /** The plan of a server that can be served. */
  public static ServingPlan planned(LoraxServer server) {
    return switch (plan(server)) {
      case Planning.Planned(var plan) -> plan;
      case Planning.Refused(var problems) -> throw new AssertionError(problems);
    };
  }
}

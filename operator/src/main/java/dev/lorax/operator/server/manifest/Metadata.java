package dev.lorax.operator.server.manifest;

import dev.lorax.crds.v1alpha1.LoraxServer;
import dev.lorax.operator.server.plan.ServingPlan;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import io.fabric8.kubernetes.api.model.ObjectMetaBuilder;

/** Metadata of the objects that belong to a server: they are named like it and go with it. */
final class Metadata {

  private Metadata() {}

  static ObjectMeta of(ServingPlan plan) {
    var server = plan.server();
    return new ObjectMetaBuilder()
        .withName(server.name())
        .withNamespace(server.namespace())
        .withLabels(Labels.of(server.name()))
        .addNewOwnerReference()
        .withApiVersion(LoraxServer.GROUP + "/" + LoraxServer.VERSION)
        .withKind(LoraxServer.KIND)
        .withName(server.name())
        .withUid(server.uid())
        .withController(true)
        .withBlockOwnerDeletion(true)
        .endOwnerReference()
        .build();
  }
}

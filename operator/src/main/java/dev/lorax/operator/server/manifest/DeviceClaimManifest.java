package dev.lorax.operator.server.manifest;

import dev.lorax.operator.server.plan.ServingPlan;
import dev.lorax.operator.server.plan.ServingPlan.ClaimedDevices;
import io.fabric8.kubernetes.api.model.ObjectMetaBuilder;
import io.fabric8.kubernetes.api.model.PodResourceClaim;
import io.fabric8.kubernetes.api.model.PodResourceClaimBuilder;
import io.fabric8.kubernetes.api.model.ResourceClaim;
import io.fabric8.kubernetes.api.model.ResourceClaimBuilder;
import io.fabric8.kubernetes.api.model.resource.v1.DeviceSelector;
import io.fabric8.kubernetes.api.model.resource.v1.DeviceSelectorBuilder;
import io.fabric8.kubernetes.api.model.resource.v1.ResourceClaimTemplate;
import io.fabric8.kubernetes.api.model.resource.v1.ResourceClaimTemplateBuilder;
import java.util.List;
import java.util.Optional;

/**
 * The claim for devices of a replica. It is one claim for all its shard containers, because devices
 * that a container does not see cannot be reached from it directly.
 */
public final class DeviceClaimManifest {

  /** Name of the claim in the pod, and of the request in the claim. */
  private static final String DEVICES = "devices";

  private DeviceClaimManifest() {}

  /** The template from which each pod gets its claim; empty where a plan needs none made. */
  public static Optional<ResourceClaimTemplate> of(ServingPlan plan) {
    var devices = plan.devices();
    return devices == null || devices.made() == null
        ? Optional.empty()
        : Optional.of(template(plan, devices.template(), devices.made()));
  }

  static List<PodResourceClaim> ofPod(ServingPlan plan) {
    return plan.devices() == null
        ? List.of()
        : List.of(
            new PodResourceClaimBuilder()
                .withName(DEVICES)
                .withResourceClaimTemplateName(plan.devices().template())
                .build());
  }

  static List<ResourceClaim> ofContainer(ServingPlan plan) {
    return plan.devices() == null
        ? List.of()
        : List.of(new ResourceClaimBuilder().withName(DEVICES).build());
  }

  private static ResourceClaimTemplate template(
      ServingPlan plan, String name, ClaimedDevices devices) {
    return new ResourceClaimTemplateBuilder()
        .withMetadata(new ObjectMetaBuilder(Metadata.of(plan)).withName(name).build())
        .withNewSpec()
        .withNewSpec()
        .withNewDevices()
        .addNewRequest()
        .withName(DEVICES)
        .withNewExactly()
        .withDeviceClassName(devices.deviceClass())
        .withAllocationMode("ExactCount")
        .withCount((long) devices.count())
        .withSelectors(selectors(devices))
        .endExactly()
        .endRequest()
        .endDevices()
        .endSpec()
        .endSpec()
        .build();
  }

  private static List<DeviceSelector> selectors(ClaimedDevices devices) {
    return devices.selector() == null
        ? List.of()
        : List.of(
            new DeviceSelectorBuilder()
                .withNewCel()
                .withExpression(devices.selector())
                .endCel()
                .build());
  }
}

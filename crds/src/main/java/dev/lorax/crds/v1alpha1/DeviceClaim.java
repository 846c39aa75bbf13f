package dev.lorax.crds.v1alpha1;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;
import io.fabric8.generator.annotation.ValidationRule;
import org.jspecify.annotations.Nullable;

/** Devices by dynamic resource allocation: a union of which exactly one member is set. */
@JsonInclude(JsonInclude.Include.NON_NULL)
@ValidationRule(
    value = "has(self.deviceClass) != has(self.template)",
    messageExpression =
        "'set exactly one of deviceClass and template to say which devices are claimed, got '"
            + " + (has(self.template) ? 'both' : 'none')")
public record DeviceClaim(
    @JsonPropertyDescription(
            "Devices of a class, one for each shard, claimed together so that every shard of the"
                + " replica sees all of them.")
        @Nullable DeviceClass deviceClass,
    @JsonPropertyDescription(
            "A template of claims that you have made. A claim made from it must have as many devices"
                + " as a replica has shards.")
        @Nullable Template template) {

  /** Devices of one class. */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record DeviceClass(
      @Required
          @Size(min = 1, max = 253)
          @Pattern(Names.DNS_SUBDOMAIN)
          @JsonPropertyDescription("Name of the DeviceClass, for example gpu.nvidia.com.")
          String name,
      @Size(min = 1, max = 10240)
          @JsonPropertyDescription(
              "CEL expression that a device must meet, for example"
                  + " device.capacity['gpu.nvidia.com'].memory.compareTo(quantity('40Gi')) >= 0.")
          @Nullable String selector) {}

  /** A ResourceClaimTemplate that exists. */
  public record Template(
      @Required
          @Size(min = 1, max = 253)
          @Pattern(Names.DNS_SUBDOMAIN)
          @JsonPropertyDescription(
              "Name of the ResourceClaimTemplate, in the namespace of the LoraxServer.")
          String name) {}
}

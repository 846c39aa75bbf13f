package dev.lorax.operator.server.plan;

import dev.lorax.crds.v1alpha1.Shards.Device;
import java.util.Map;

/**
 * Images for containers whose spec names none. A device may lack one; its specs must name theirs.
 */
public record DefaultImages(String launcher, String router, Map<Device, String> shards) {

  public DefaultImages {
    shards = Map.copyOf(shards);
  }
}

package dev.lorax.operator;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;

/**
 * Reads objects without what the API server notes on who wrote which field: that is a large part of
 * an object, and nothing here asks for it.
 */
final class LeanObjects {

  private LeanObjects() {}

  @JsonIgnoreProperties("managedFields")
  private static final class WithoutManagedFields {}

  /** For a client of the operator. */
  static KubernetesSerialization serialization() {
    var mapper = new ObjectMapper();
    mapper.addMixIn(ObjectMeta.class, WithoutManagedFields.class);
    return new KubernetesSerialization(mapper, true);
  }
}

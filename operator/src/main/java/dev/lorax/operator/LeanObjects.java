package dev.lorax.operator;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.databind.InjectableValues;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.annotation.JsonDeserialize;
import dev.lorax.crds.v1alpha1.LoraxServer;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import io.fabric8.kubernetes.api.model.WatchEvent;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;

/**
 * Reads objects without what the API server notes on who wrote which field: that is a large part of
 * an object, and nothing here asks for it. Those of events are read as they come.
 */
final class LeanObjects {

  private LeanObjects() {}

  @JsonIgnoreProperties("managedFields")
  private static final class WithoutManagedFields {}

  @SuppressWarnings("UnusedMethod") // Jackson reads what is said of it.
  private interface WithObjectOfItsKind {
    @JsonDeserialize(using = ObjectOfEvent.class)
    void setObject(Object object);
  }

  /** For a client of the operator. */
  static KubernetesSerialization serialization() {
    var mapper = new ObjectMapper();
    mapper.addMixIn(ObjectMeta.class, WithoutManagedFields.class);
    mapper.addMixIn(WatchEvent.class, WithObjectOfItsKind.class);
    var serialization = new KubernetesSerialization(mapper, true);
    // What is not known by name is read as a tree, and converted.
    serialization.registerKubernetesResource(LoraxServer.class);
    mapper.setInjectableValues(
        new InjectableValues.Std().addValue(KubernetesSerialization.class, serialization));
    return serialization;
  }
}

package dev.lorax.operator.server.plan;

import dev.lorax.crds.v1alpha1.HubAccess;
import dev.lorax.crds.v1alpha1.LoraxServerSpec;
import dev.lorax.crds.v1alpha1.S3Access;
import dev.lorax.operator.server.plan.SourceAccess.SecretValue;
import dev.lorax.operator.server.plan.SourceAccess.SecretVariable;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Model and adapters are reached the same way: a replica knows one hub and one object store, and
 * the schema sees to it that only one of both says which.
 */
final class AccessPlanner {

  private final @Nullable HubAccess hub;
  private final @Nullable S3Access s3;

  AccessPlanner(LoraxServerSpec spec) {
    var model = spec.model();
    this.hub = model.hub() == null ? spec.adapters().hub() : model.hub().access();
    this.s3 = model.s3() == null ? spec.adapters().s3() : model.s3().access();
  }

  SourceAccess access() {
    return new SourceAccess(settings(), credentials(), hubToken());
  }

  private SortedMap<String, String> settings() {
    var settings = new TreeMap<String, String>();
    if (hub != null && hub.endpoint() != null) {
      settings.put("HF_ENDPOINT", hub.endpoint());
    }
    if (s3 != null && s3.endpoint() != null) {
      settings.put("S3_ENDPOINT_URL", s3.endpoint());
    }
    if (s3 != null && s3.region() != null) {
      settings.put("AWS_REGION", s3.region());
      // The one that Python's client reads.
      settings.put("AWS_DEFAULT_REGION", s3.region());
    }
    return settings;
  }

  private List<SecretVariable> credentials() {
    var variables = new ArrayList<SecretVariable>();
    if (s3 != null && s3.credentialsSecret() != null) {
      String secret = s3.credentialsSecret().name();
      variables.add(variable(secret, "AWS_ACCESS_KEY_ID", false));
      variables.add(variable(secret, "AWS_SECRET_ACCESS_KEY", false));
      variables.add(variable(secret, "AWS_SESSION_TOKEN", true));
    }
    return variables;
  }

  private static SecretVariable variable(String secret, String name, boolean optional) {
    return new SecretVariable(name, new SecretValue(secret, name), optional);
  }

  private @Nullable SecretValue hubToken() {
    return hub == null || hub.tokenSecret() == null
        ? null
        : new SecretValue(hub.tokenSecret().name(), hub.tokenSecret().key());
  }
}

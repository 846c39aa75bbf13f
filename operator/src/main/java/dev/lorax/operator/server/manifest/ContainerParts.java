package dev.lorax.operator.server.manifest;

import dev.lorax.operator.server.plan.PodLayout;
import dev.lorax.operator.server.plan.Resources;
import dev.lorax.operator.server.plan.SourceAccess;
import dev.lorax.operator.server.plan.SourceAccess.SecretVariable;
import io.fabric8.kubernetes.api.model.EnvVar;
import io.fabric8.kubernetes.api.model.EnvVarBuilder;
import io.fabric8.kubernetes.api.model.IntOrString;
import io.fabric8.kubernetes.api.model.Probe;
import io.fabric8.kubernetes.api.model.ProbeBuilder;
import io.fabric8.kubernetes.api.model.ResourceRequirements;
import io.fabric8.kubernetes.api.model.ResourceRequirementsBuilder;
import io.fabric8.kubernetes.api.model.SecurityContext;
import io.fabric8.kubernetes.api.model.SecurityContextBuilder;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** What the containers of a replica have in common. */
final class ContainerParts {

  /** So that a container that dies without a word still leaves the end of its log. */
  static final String TERMINATION_MESSAGE_POLICY = "FallbackToLogsOnError";

  private ContainerParts() {}

  /**
   * What the Restricted pod security profile asks for, and a root file system that nobody writes.
   */
  static SecurityContext restricted(boolean writableRoot) {
    return new SecurityContextBuilder()
        .withAllowPrivilegeEscalation(false)
        .withReadOnlyRootFilesystem(!writableRoot)
        .withNewCapabilities()
        .withDrop("ALL")
        .endCapabilities()
        .build();
  }

  static ResourceRequirements resources(Resources resources) {
    return new ResourceRequirementsBuilder()
        .withRequests(resources.requests())
        .withLimits(resources.limits())
        .build();
  }

  /** Where hubs and buckets are and the credentials for them, as launcher and shards take them. */
  static List<EnvVar> sources(SourceAccess access) {
    var variables = new ArrayList<EnvVar>();
    access.settings().forEach((name, value) -> variables.add(new EnvVar(name, value, null)));
    access.credentials().stream().map(ContainerParts::secret).forEach(variables::add);
    return variables;
  }

  static EnvVar secret(SecretVariable variable) {
    return new EnvVarBuilder()
        .withName(variable.name())
        .withNewValueFrom()
        .withNewSecretKeyRef(
            variable.value().key(), variable.value().secret(), variable.optional() ? true : null)
        .endValueFrom()
        .build();
  }

  /** Whether the launcher says that a member's agent is there. Waits up to ten minutes. */
  static Probe attached(String member) {
    return statusProbe("/attached/" + member, 1, 600);
  }

  /** Whether the launcher says that a member has done what it must before serving. */
  static Probe ready(String member) {
    return statusProbe("/ready/" + member, 2, 1);
  }

  private static Probe statusProbe(String path, int periodSeconds, int failureThreshold) {
    return probe("http", path, PodLayout.STATUS_PORT, periodSeconds, failureThreshold);
  }

  /** By {@code https} the kubelet takes any certificate. */
  static Probe probe(
      String scheme, String path, int port, int periodSeconds, int failureThreshold) {
    return new ProbeBuilder()
        .withNewHttpGet()
        .withPath(path)
        .withPort(new IntOrString(port))
        .withScheme(scheme.toUpperCase(Locale.ROOT))
        .endHttpGet()
        .withPeriodSeconds(periodSeconds)
        .withFailureThreshold(failureThreshold)
        .withTimeoutSeconds(2)
        .build();
  }
}

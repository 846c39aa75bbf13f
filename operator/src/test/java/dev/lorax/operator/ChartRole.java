package dev.lorax.operator;

import io.fabric8.kubernetes.api.model.rbac.ClusterRole;
import io.fabric8.kubernetes.api.model.rbac.ClusterRoleBindingBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The rules of the chart's role, so that tests run with no more rights than an installed operator.
 */
final class ChartRole {

  private static final Path TEMPLATE = Path.of("../helm/lorax-operator/templates/_names.tpl");
  private static final String BEGIN = "{{- define \"lorax-operator.rules\" -}}\n";
  private static final String END = "{{- end -}}";

  private ChartRole() {}

  /** Gives {@code user} the rights of the operator in all namespaces, and closes the client. */
  static void grant(KubernetesClient client, String user) {
    try (client) {
      var role =
          Serialization.unmarshal(
              """
              apiVersion: rbac.authorization.k8s.io/v1
              kind: ClusterRole
              metadata: {name: %s}
              rules:
              %s
              """
                  .formatted(user, rules()),
              ClusterRole.class);
      client.resource(role).create();
      client
          .resource(
              new ClusterRoleBindingBuilder()
                  .withNewMetadata()
                  .withName(user)
                  .endMetadata()
                  .withNewRoleRef("rbac.authorization.k8s.io", "ClusterRole", user)
                  .addNewSubject("rbac.authorization.k8s.io", "User", user, null)
                  .build())
          .create();
    }
  }

  /** The block of rules holds no template actions, so it is YAML as it stands. */
  private static String rules() {
    try {
      String template = Files.readString(TEMPLATE);
      int begin = template.indexOf(BEGIN);
      int end = template.indexOf(END, begin);
      if (begin < 0 || end < 0) {
        throw new IllegalStateException(TEMPLATE + ": expected " + BEGIN.strip() + ", got none");
      }
      return template.substring(begin + BEGIN.length(), end);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}

package dev.lorax.operator;

import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.rbac.ClusterRole;
import io.fabric8.kubernetes.api.model.rbac.ClusterRoleBindingBuilder;
import io.fabric8.kubernetes.api.model.rbac.ClusterRoleBuilder;
import io.fabric8.kubernetes.api.model.rbac.PolicyRule;
import io.fabric8.kubernetes.api.model.rbac.Role;
import io.fabric8.kubernetes.api.model.rbac.RoleBindingBuilder;
import io.fabric8.kubernetes.api.model.rbac.RoleBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.util.List;

/**
 * The rules of the chart's roles, so that tests run with no more rights than an installed operator.
 */
final class ChartRole {

  private static final String API = "rbac.authorization.k8s.io";

  private ChartRole() {}

  /** What an operator that serves all namespaces may do in them. */
  static List<PolicyRule> everywhere() {
    return objects().stream()
        .filter(ClusterRole.class::isInstance)
        .map(ClusterRole.class::cast)
        .filter(role -> role.getMetadata().getName().equals("lorax-lorax-operator"))
        .flatMap(role -> role.getRules().stream())
        .toList();
  }

  /** What a process that is elected may do in its own namespace. */
  static List<PolicyRule> election() {
    return objects().stream()
        .filter(Role.class::isInstance)
        .map(Role.class::cast)
        .flatMap(role -> role.getRules().stream())
        .toList();
  }

  /** Gives {@code user} the rights of the operator in all namespaces. */
  static void grant(KubernetesClient client, String user) {
    client
        .resource(
            new ClusterRoleBuilder()
                .withNewMetadata()
                .withName(user)
                .endMetadata()
                .withRules(everywhere())
                .build())
        .create();
    client
        .resource(
            new ClusterRoleBindingBuilder()
                .withNewMetadata()
                .withName(user)
                .endMetadata()
                .withNewRoleRef(API, "ClusterRole", user)
                .addNewSubject(API, "User", user, null)
                .build())
        .create();
  }

  /** Gives {@code user} the right to be elected in a namespace. */
  static void grantElection(KubernetesClient client, String user, String namespace) {
    client
        .resource(
            new RoleBuilder()
                .withNewMetadata()
                .withName(user)
                .withNamespace(namespace)
                .endMetadata()
                .withRules(election())
                .build())
        .create();
    client
        .resource(
            new RoleBindingBuilder()
                .withNewMetadata()
                .withName(user)
                .withNamespace(namespace)
                .endMetadata()
                .withNewRoleRef(API, "Role", user)
                .addNewSubject(API, "User", user, null)
                .build())
        .create();
  }

  private static List<HasMetadata> objects() {
    return Chart.objects("--set", "crds.install=false,rbac.aggregate=false");
  }
}

package dev.lorax.e2e.story;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.lorax.e2e.install.Installation;
import io.fabric8.kubernetes.api.model.rbac.PolicyRule;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** All stories before in the API server's audit log: the operator had the rights that it needed. */
@Order(11)
@ExtendWith(StoryExtension.class)
final class RightsE2E {

  private static final String NAME = "lorax-operator";
  private static final String USER =
      "system:serviceaccount:%s:%s".formatted(Installation.OPERATOR_NAMESPACE, NAME);

  /** Rights of the chart that no story makes the operator use; PermissionsIT of operator does. */
  private static final Set<String> FOR_OTHER_SERVERS =
      Set.of(
          // Checked, never used for a request.
          "lorax.dev/loraxservers/finalizers update",
          "coordination.k8s.io/leases update",
          // A cache that replicas share, and claims for devices.
          "core/persistentvolumeclaims create",
          "core/persistentvolumeclaims patch",
          "resource.k8s.io/resourceclaimtemplates create",
          "resource.k8s.io/resourceclaimtemplates patch");

  private final World world;

  RightsE2E(World world) {
    this.world = world;
  }

  @Test
  void the_operator_was_refused_nothing_and_used_what_the_chart_grants() throws IOException {
    assumeTrue(world.isOurs(), "a cluster of somebody else keeps its audit log to itself");

    // given
    List<JsonNode> requests = requests();

    // then
    assertThat(requests)
        .filteredOn(request -> request.at("/responseStatus/code").asInt() == 403)
        .isEmpty();
    Set<String> unused = granted();
    requests.stream().flatMap(RightsE2E::used).forEach(unused::remove);
    assertThat(FOR_OTHER_SERVERS).containsAll(unused);
  }

  private List<JsonNode> requests() throws IOException {
    var json = new ObjectMapper();
    try (Stream<String> lines = Files.lines(world.auditLog())) {
      // The API server goes on writing: the last line may be half of one.
      return lines
          .filter(line -> line.contains(USER) && line.endsWith("}"))
          .map(line -> read(json, line))
          .filter(request -> request.at("/user/username").asText().equals(USER))
          .filter(request -> request.has("objectRef"))
          .toList();
    }
  }

  private static JsonNode read(ObjectMapper json, String line) {
    try {
      return json.readTree(line);
    } catch (JsonProcessingException e) {
      throw new UncheckedIOException(line, e);
    }
  }

  private Set<String> granted() {
    Stream<PolicyRule> rules =
        Stream.concat(
            world.client().rbac().clusterRoles().withName(NAME).require().getRules().stream(),
            world
                .client()
                .rbac()
                .roles()
                .inNamespace(Installation.OPERATOR_NAMESPACE)
                .withName(NAME + "-leader")
                .require()
                .getRules()
                .stream());
    return rules.flatMap(RightsE2E::rights).collect(Collectors.toCollection(TreeSet::new));
  }

  private static Stream<String> rights(PolicyRule rule) {
    return rule.getResources().stream()
        .flatMap(resource ->
            rule.getVerbs().stream()
                .map(verb -> right(rule.getApiGroups().getFirst(), resource, verb)));
  }

  /** To apply something that is not there takes the right to create it, too. */
  private static Stream<String> used(JsonNode request) {
    String verb = request.path("verb").asText();
    JsonNode object = request.path("objectRef");
    String subresource = object.path("subresource").asText();
    String resource =
        object.path("resource").asText() + (subresource.isEmpty() ? "" : "/" + subresource);
    Stream<String> verbs =
        request.at("/responseStatus/code").asInt() == 201
            ? Stream.of(verb, "create")
            : Stream.of(verb);
    return verbs.map(each -> right(object.path("apiGroup").asText(), resource, each));
  }

  private static String right(String group, String resource, String verb) {
    return "%s/%s %s".formatted(group.isEmpty() ? "core" : group, resource, verb);
  }
}

package dev.lorax.e2e.story;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.lorax.e2e.install.Installation;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * What the operator asked the API server for in all stories before, by the audit log: the chart has
 * given it all rights that it needs. That it gives no others is looked at by {@code PermissionsIT}.
 */
@Order(11)
@ExtendWith(StoryExtension.class)
final class RightsE2E {

  private static final String NAME = "lorax-operator";
  private static final String USER =
      "system:serviceaccount:%s:%s".formatted(Installation.OPERATOR_NAMESPACE, NAME);

  /** Some that no server could do without, so that it is this operator that is looked at. */
  private static final List<String> USED =
      List.of(
          "apps/deployments create",
          "apps/deployments patch",
          "coordination.k8s.io/leases patch",
          "events.k8s.io/events create",
          "lorax.dev/loraxservers watch",
          "lorax.dev/loraxservers/status patch",
          "policy/poddisruptionbudgets delete");

  private final World world;

  RightsE2E(World world) {
    this.world = world;
  }

  @Test
  void the_operator_was_refused_nothing_that_it_asked_for() throws IOException {
    assumeTrue(world.isOurs(), "a cluster of somebody else keeps its audit log to itself");

    // given
    List<JsonNode> requests = requests();

    // then
    assertThat(requests)
        .filteredOn(request -> request.at("/responseStatus/code").asInt() == 403)
        .isEmpty();
    assertThat(requests.stream().flatMap(RightsE2E::used)).containsAll(USED);
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

package dev.lorax.operator;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/** What the API server writes down of every request that it has answered. */
public record AuditLog(Path file) {

  static final String POLICY =
      """
      apiVersion: audit.k8s.io/v1
      kind: Policy
      omitStages: [RequestReceived, ResponseStarted]
      rules: [{level: Metadata}]
      """;

  private static final Set<String> READS = Set.of("get", "list", "watch");

  /**
   * One request.
   *
   * @param user for whom it was done
   * @param resource with its subresource, as roles name it
   * @param name empty where the request names no object, as a creation
   */
  public record Request(
      String user,
      String agent,
      String verb,
      String group,
      String resource,
      String namespace,
      String name,
      int status) {

    boolean isWrite() {
      return !READS.contains(verb);
    }
  }

  /** Requests for resources, in the order in which they were answered. */
  List<Request> requests() {
    var json = new ObjectMapper();
    try (Stream<String> lines = Files.lines(file)) {
      return lines
          .filter(line -> line.endsWith("}"))
          .map(line -> read(json, line))
          .filter(event -> event.has("objectRef"))
          .map(AuditLog::request)
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static JsonNode read(ObjectMapper json, String line) {
    try {
      return json.readTree(line);
    } catch (IOException e) {
      throw new UncheckedIOException(line, e);
    }
  }

  private static Request request(JsonNode event) {
    JsonNode user =
        event.has("impersonatedUser") ? event.get("impersonatedUser") : event.get("user");
    JsonNode object = event.get("objectRef");
    String subresource = object.path("subresource").asText();
    String resource = object.path("resource").asText();
    return new Request(
        user.path("username").asText(),
        event.path("userAgent").asText(),
        event.path("verb").asText(),
        object.path("apiGroup").asText(),
        subresource.isEmpty() ? resource : resource + "/" + subresource,
        object.path("namespace").asText(),
        object.path("name").asText(),
        event.path("responseStatus").path("code").asInt());
  }
}

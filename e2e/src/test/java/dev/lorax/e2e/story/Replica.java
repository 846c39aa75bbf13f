package dev.lorax.e2e.story;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.lorax.e2e.chat.ChatClient;
import io.fabric8.kubernetes.api.model.Condition;
import io.fabric8.kubernetes.api.model.ContainerStatus;
import io.fabric8.kubernetes.api.model.Pod;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The only replica of a server, past its Service. */
record Replica(World world, String server) {

  private static final int STATUS_PORT = 9000;
  private static final int ROUTER_PORT = 3000;

  // The bracket keeps the shell, whose own command line holds the pattern, from signalling itself.
  private static final String SIGNAL_SHARD =
      """
      for process in /proc/[0-9]*; do
        if tr '\\0' ' ' <"$process/cmdline" 2>/dev/null | grep -q '[l]orax-server serve'; then
          kill -%s "${process#/proc/}" && echo "signalled ${process#/proc/}"
        fi
      done
      """;

  Pod pod() {
    List<Pod> pods = world.server(server).pods();
    assertThat(pods).hasSize(1);
    return pods.getFirst();
  }

  String uid() {
    return pod().getMetadata().getUid();
  }

  /** The condition Ready of the server. */
  Condition ready() {
    return world
        .server(server)
        .condition("Ready")
        .orElseThrow(() -> new AssertionError("no condition Ready yet"));
  }

  void assertReady() {
    assertThat(ready()).extracting(Condition::getStatus).as(ready().getMessage()).isEqualTo("True");
  }

  /** A client of its router. */
  ChatClient router() {
    return client(ROUTER_PORT);
  }

  /** A client of its launcher. */
  ChatClient launcher() {
    return client(STATUS_PORT);
  }

  /** The epoch of its shards, as its launcher says. */
  static long epoch(ChatClient launcher) throws JsonProcessingException {
    return status(launcher).required("epoch").longValue();
  }

  /** What its launcher is at. */
  static String phase(ChatClient launcher) throws JsonProcessingException {
    return status(launcher).required("phase").textValue();
  }

  private static JsonNode status(ChatClient launcher) throws JsonProcessingException {
    return new ObjectMapper().readTree(launcher.get("/status").body());
  }

  /** Restarts of its containers, by their names. */
  Map<String, Integer> restarts() {
    return containers()
        .collect(Collectors.toMap(ContainerStatus::getName, ContainerStatus::getRestartCount));
  }

  Stream<ContainerStatus> containers() {
    var status = pod().getStatus();
    return Stream.concat(
        status.getInitContainerStatuses().stream(), status.getContainerStatuses().stream());
  }

  /** Sends a signal to the shard of a container, whose first process is its agent. */
  void signalShard(String container, String signal) {
    assertThat(exec(container, SIGNAL_SHARD.formatted(signal))).startsWith("signalled ");
  }

  String exec(String container, String script) {
    return world.kubectl(
        "exec", pod().getMetadata().getName(), "--container", container, "--", "sh", "-c", script);
  }

  private ChatClient client(int port) {
    return World.client(world.forward("pod/" + pod().getMetadata().getName(), port));
  }
}

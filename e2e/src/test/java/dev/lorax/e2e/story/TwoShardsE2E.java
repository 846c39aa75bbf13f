package dev.lorax.e2e.story;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.lorax.e2e.chat.ChatClient;
import dev.lorax.e2e.chat.Question;
import io.fabric8.kubernetes.api.model.ContainerStatus;
import io.fabric8.kubernetes.api.model.Pod;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;

/** A model spread over two shards answers as one does, and its group of shards survives a kill. */
@Order(3)
@ExtendWith(StoryExtension.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class TwoShardsE2E {

  private static final String NAME = "two-shards";
  private static final int STATUS_PORT = 9000;
  private static final int ROUTER_PORT = 3000;
  private static final Duration RESTART_DEADLINE = Duration.ofMinutes(4);

  // The bracket keeps the shell, whose own command line holds the pattern, from killing itself.
  private static final String KILL_SHARD =
      """
      for process in /proc/[0-9]*; do
        if tr '\\0' ' ' <"$process/cmdline" 2>/dev/null | grep -q '[l]orax-server serve'; then
          kill -9 "${process#/proc/}" && echo "killed ${process#/proc/}"
        fi
      done
      """;

  private final World world;
  private final Prompts prompts;
  private Served two;

  TwoShardsE2E(World world) {
    this.world = world;
    this.prompts = new Prompts(world.config());
  }

  @BeforeAll
  void serve() {
    world.apply("two-shards.yaml");
    two = world.serve(NAME);
  }

  @AfterAll
  void delete() {
    world.kubectl("delete", "loraxserver", NAME, "--ignore-not-found");
  }

  @Test
  @Order(1)
  void each_shard_has_a_container_of_its_own() {
    assertThat(containers(pod()).map(ContainerStatus::getName))
        .containsExactly("launcher", "shard-0", "shard-1", "router");
  }

  @Test
  @Order(2)
  void the_answers_are_those_of_one_shard() throws InterruptedException, ExecutionException {
    // given
    List<Question> questions = prompts.some();

    // when
    Map<Question, String> ofTwo = Together.mixed(two.client(), questions);
    Map<Question, String> ofOne = Together.mixed(world.demo().client(), questions);

    // then
    assertThat(ofTwo).isEqualTo(ofOne);
  }

  @Test
  @Order(3)
  void a_shard_that_is_killed_comes_back_in_a_new_epoch_of_the_same_pod()
      throws JsonProcessingException {
    // given
    Pod before = pod();
    String name = before.getMetadata().getName();
    ChatClient status = World.client(world.forward("pod/" + name, STATUS_PORT));
    ChatClient router = World.client(world.forward("pod/" + name, ROUTER_PORT));
    long epoch = epoch(status);

    // when
    String killed =
        world.kubectl("exec", name, "--container", "shard-1", "--", "sh", "-c", KILL_SHARD);

    // then
    assertThat(killed).startsWith("killed ");
    await()
        .atMost(RESTART_DEADLINE)
        .untilAsserted(() -> {
          assertThat(epoch(status)).isEqualTo(epoch + 1);
          assertThat(router.get("/health").statusCode()).isEqualTo(200);
        });
    var check = prompts.showcase("sql");
    assertThat(router.ask(check.question())).matches(check.expectation()::isMetBy);
    assertThat(pod().getMetadata().getUid()).isEqualTo(before.getMetadata().getUid());
    assertThat(restarts(pod())).isEqualTo(restarts(before));
  }

  private Pod pod() {
    List<Pod> pods = two.server().pods();
    assertThat(pods).hasSize(1);
    return pods.getFirst();
  }

  private static long epoch(ChatClient status) throws JsonProcessingException {
    String answer = status.get("/status").body();
    return new ObjectMapper().readTree(answer).required("epoch").longValue();
  }

  private static Map<String, Integer> restarts(Pod pod) {
    return containers(pod)
        .collect(Collectors.toMap(ContainerStatus::getName, ContainerStatus::getRestartCount));
  }

  private static Stream<ContainerStatus> containers(Pod pod) {
    return Stream.concat(
        pod.getStatus().getInitContainerStatuses().stream(),
        pod.getStatus().getContainerStatuses().stream());
  }
}

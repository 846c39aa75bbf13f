package dev.lorax.e2e.story;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.core.JsonProcessingException;
import dev.lorax.e2e.chat.Answer;
import dev.lorax.e2e.chat.ChatClient;
import dev.lorax.e2e.chat.Question;
import io.fabric8.kubernetes.api.model.ContainerStatus;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;

/** A model spread over two shards answers as one does, and survives the deaths of its processes. */
@Order(3)
@ExtendWith(StoryExtension.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class TwoShardsE2E {

  private static final String NAME = "two-shards";
  private static final Duration RESTART_DEADLINE = Duration.ofMinutes(4);

  // Nobody can kill -9 the first process of a container from inside; a JVM crashes of this.
  private static final String CRASH_JVM = "kill -SEGV 1";

  private final World world;
  private final Prompts prompts;
  private final Replica replica;
  private Served two;

  TwoShardsE2E(World world) {
    this.world = world;
    this.prompts = new Prompts(world.config());
    this.replica = new Replica(world, NAME);
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
    assertThat(replica.containers().map(ContainerStatus::getName))
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
  void a_launcher_that_crashes_cuts_no_stream_and_finds_what_runs()
      throws JsonProcessingException, InterruptedException {
    // given
    long epoch = Replica.epoch(replica.launcher());
    ChatClient router = replica.router();
    var begun = new CountDownLatch(1);
    var tale = new Question(Question.BASE, "Tell me a long story about a ship.", 200);
    CompletableFuture<Answer> stream =
        CompletableFuture.supplyAsync(() -> router.stream(tale, _ -> begun.countDown()));
    begun.await();

    // when
    replica.exec("launcher", CRASH_JVM);

    // then
    assertThat(stream.join().text()).isNotEmpty();
    await()
        .atMost(RESTART_DEADLINE)
        .untilAsserted(() -> assertThat(replica.restarts()).containsEntry("launcher", 1));
    await().atMost(RESTART_DEADLINE).untilAsserted(replica::assertReady);
    assertThat(Replica.epoch(replica.launcher())).isEqualTo(epoch);
    assertThat(replica.restarts())
        .containsEntry("shard-0", 0)
        .containsEntry("shard-1", 0)
        .containsEntry("router", 0);
  }

  @Test
  @Order(4)
  void a_shard_that_is_killed_comes_back_in_a_new_epoch_of_the_same_pod()
      throws JsonProcessingException {
    assertNewEpochAfter("KILL", Optional.empty());
  }

  @Test
  @Order(5)
  void so_does_a_shard_that_hangs_and_the_condition_says_that_it_does()
      throws JsonProcessingException {
    assertNewEpochAfter("STOP", Optional.of("NoHeartbeat"));
  }

  private void assertNewEpochAfter(String signal, Optional<String> reason)
      throws JsonProcessingException {
    // given
    String pod = replica.uid();
    Map<String, Integer> restarts = replica.restarts();
    ChatClient launcher = replica.launcher();
    long epoch = Replica.epoch(launcher);

    // when
    replica.signalShard("shard-1", signal);

    // then
    reason.ifPresent(expected ->
        await()
            .atMost(RESTART_DEADLINE)
            .pollInterval(Duration.ofMillis(300))
            .until(() -> replica.ready().getReason(), expected::equals));
    await()
        .atMost(RESTART_DEADLINE)
        .untilAsserted(() -> {
          assertThat(Replica.epoch(launcher)).isEqualTo(epoch + 1);
          // The condition may still be that of the epoch before.
          assertThat(Replica.phase(launcher)).isEqualTo("Serving");
          replica.assertReady();
        });
    var check = prompts.showcase("sql");
    assertThat(replica.router().ask(check.question())).matches(check.expectation()::isMetBy);
    assertThat(replica.uid()).isEqualTo(pod);
    assertThat(replica.restarts()).isEqualTo(restarts);
  }
}

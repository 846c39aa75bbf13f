package dev.lorax.e2e.story;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Streams without end from two replicas, while these go and are replaced for every reason that
 * there is, again and again, until so many streams have begun; {@code ./lorax bench g10} runs it.
 * It fails where a replacement does not come about. What became of the streams stands in {@code
 * target/many-streams.json}: whoever reads that is the judge.
 *
 * <p>The environment says how many ({@code LORAX_BENCH_STREAMS}), and names a tar archive of a
 * model with adapters ({@code LORAX_BENCH_MODEL}) that fits into a ConfigMap: of a model of any use
 * two cores make a few streams a second.
 */
@ExtendWith(StoryExtension.class)
final class ManyStreamsBench {

  private static final String NAME = "many-streams";
  private static final Path RESULT = Path.of("target/many-streams.json");
  private static final int AT_A_TIME = 64;

  private final World world;
  private final Replicas replicas;
  private final OperatorProcesses operator;
  private final Map<Reason, Integer> done = new EnumMap<>(Reason.class);

  ManyStreamsBench(World world) {
    this.world = world;
    this.replicas = new Replicas(world, NAME);
    this.operator = new OperatorProcesses(world);
  }

  /** Why replicas go or are replaced. */
  private enum Reason {
    ROUTER_UPDATED,
    SHARDS_UPDATED,
    LAUNCHER_UPDATED,
    NODE_DRAINED,
    OPERATOR_REPLACED,
    SCALED_DOWN_AND_UP
  }

  @Test
  void whatever_replaces_them() throws IOException, InterruptedException {
    int wanted = Integer.parseInt(environment("LORAX_BENCH_STREAMS"));
    serve(Path.of(environment("LORAX_BENCH_MODEL")));
    LoadInCluster load = LoadInCluster.start(world, NAME, "many-questions.tsv", AT_A_TIME);
    do {
      for (Reason reason : Reason.values()) {
        bringAbout(reason);
        done.merge(reason, 1, Integer::sum);
        World.say("%s, %d streams so far".formatted(reason, load.streams()));
      }
    } while (load.streams() < wanted);
    write(load.stop());
  }

  private void serve(Path archive) throws IOException {
    world.configMap("small-model", Map.of(), Map.of("model.tar", Files.readAllBytes(archive)));
    world.apply("many-streams.yaml");
    world.awaitReady(NAME);
  }

  private void bringAbout(Reason reason) throws InterruptedException {
    switch (reason) {
      case ROUTER_UPDATED -> update(reason, "router", "router");
      case SHARDS_UPDATED -> update(reason, "shards", "shard-cpu");
      case LAUNCHER_UPDATED -> update(reason, "launcher", "launcher");
      case NODE_DRAINED -> replicas.drainTheirNode();
      case OPERATOR_REPLACED -> operator.replace();
      case SCALED_DOWN_AND_UP -> {
        scale(1);
        scale(2);
      }
    }
  }

  /** The same image by another name, in turn, as if it were a new one. */
  private void update(Reason reason, String part, String image) {
    List<String> before = replicas.names();
    int times = done.getOrDefault(reason, 0);
    String name = times % 2 == 0 ? "\"docker.io/lorax/%s:0.1.0\"".formatted(image) : "null";
    replicas.patch("{\"spec\": {\"%s\": {\"image\": %s}}}".formatted(part, name));
    replicas.awaitOthers(before, before.size());
  }

  private void scale(int count) {
    replicas.scale(count);
    replicas.eventually(() -> assertThat(replicas.names()).hasSize(count));
    world.awaitReady(NAME);
  }

  private void write(LoadInCluster.Outcome outcome) throws IOException {
    var result =
        Map.of("streams", outcome.streams(), "wrong", outcome.wrong(), "replacements", done);
    new ObjectMapper().writeValue(RESULT.toFile(), result);
    Files.writeString(RESULT.resolveSibling("many-streams.log"), outcome.log());
  }

  private static String environment(String name) {
    return requireNonNull(System.getenv(name), name + " is not set: ./lorax bench g10 sets it");
  }
}

package dev.lorax.router;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Samples that name the router's metrics. */
class SamplesTest {
  private static final Path KEDA = Path.of("..", "docs", "samples", "keda.yaml");
  private static final Pattern METRIC = Pattern.compile("\\blorax_[a-z_]+\\b");

  @TempDir private Path directory;

  @Test
  void keda_asks_for_metrics_that_there_are() throws Exception {
    try (var _ = ScriptedShard.single(directory.resolve("shard"), ShardScript.PLAIN);
        var router = TestingRouter.start(directory.resolve("shard-0"))) {
      Set<String> asked =
          METRIC
              .matcher(Files.readString(KEDA))
              .results()
              .map(MatchResult::group)
              .collect(Collectors.toCollection(TreeSet::new));

      Set<String> exported =
          router
              .get("/metrics")
              .body()
              .lines()
              .filter(line -> !line.startsWith("#"))
              .map(line -> line.split("[ {]", 2)[0])
              .collect(Collectors.toSet());

      assertThat(asked).isNotEmpty();
      assertThat(exported).containsAll(asked);
    }
  }
}

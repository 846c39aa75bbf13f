package dev.lorax.router;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lorax.router.batching.ModelAbilities.Classification;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.condition.EnabledIfEnvironmentVariable;
import org.junit.jupiter.api.io.TempDir;

/** The clients that users have, as they come from their makers, against a whole router. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@EnabledIfEnvironmentVariable(
    named = "LORAX_ROUTER_PYTHON",
    matches = ".+",
    disabledReason =
        "a Python with the packages of src/test/python/requirements.txt;"
            + " ./lorax test makes one")
class ClientsTest {
  private ScriptedShard shard;
  private TestingRouter router;
  private Path directory;

  @BeforeAll
  void start(@TempDir Path temporary) throws Exception {
    directory = temporary;
    shard = ScriptedShard.single(directory.resolve("shard"), ShardScript.PLAIN);
    router = TestingRouter.start(directory.resolve("shard-0"), "--max-stop-sequences", "4");
  }

  @AfterAll
  void stop() throws Exception {
    assertThat(shard.violations()).isEmpty();
    router.close();
    shard.close();
  }

  @Test
  void works_with_lorax_client() throws Exception {
    python("src/test/python/lorax_client_check.py", url(), "--adapter", "red");
  }

  @Test
  void works_with_openais_client() throws Exception {
    python("src/test/python/openai_client_check.py", url(), "--adapter", "red");
  }

  @Test
  void works_with_lorax_client_where_tokens_are_classified() throws Exception {
    Path sockets = Files.createDirectory(directory.resolve("classifier"));
    var script = ShardScript.encoder(Classification.TOKENS);
    try (var classifier = ScriptedShard.single(sockets.resolve("shard"), script);
        var classifying = TestingRouter.start(sockets.resolve("shard-0"))) {
      python("src/test/python/lorax_client_classify_check.py", url(classifying));
      assertThat(classifier.violations()).isEmpty();
    }
  }

  @Test
  void behaves_as_its_document_says() throws Exception {
    python(
        "-m",
        "schemathesis.cli",
        "run",
        url() + "/openapi.json",
        "--mode=all",
        "--phases=examples,coverage,fuzzing",
        "--max-examples=4",
        "--seed=1",
        "--suppress-health-check=all",
        "--checks=not_a_server_error,status_code_conformance,content_type_conformance,"
            + "response_headers_conformance,response_schema_conformance");
  }

  private String url() {
    return url(router);
  }

  private static String url(TestingRouter router) {
    String root = router.uri("/").toString();
    return root.substring(0, root.length() - 1);
  }

  private void python(String... arguments) throws Exception {
    var command = new ArrayList<String>();
    command.add(Objects.requireNonNull(System.getenv("LORAX_ROUTER_PYTHON")));
    command.addAll(List.of(arguments));
    Path output = Files.createTempFile(directory, "python", ".log");
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    boolean ended = process.waitFor(5, TimeUnit.MINUTES);
    if (!ended) {
      process.destroyForcibly();
    }
    assertThat(ended && process.exitValue() == 0).as(Files.readString(output)).isTrue();
  }
}

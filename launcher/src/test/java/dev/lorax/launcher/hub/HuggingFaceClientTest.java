package dev.lorax.launcher.hub;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lorax.launcher.testing.hub.HubRepo;
import dev.lorax.launcher.testing.hub.HubServer;
import dev.lorax.launcher.testing.hub.TinyModel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfEnvironmentVariable;

/** The genuine huggingface_hub against the hub in miniature, and on a cache that we filled. */
@EnabledIfEnvironmentVariable(
    named = "LORAX_TEST_PYTHON",
    matches = ".+",
    disabledReason = "./lorax test names a Python that has huggingface_hub")
final class HuggingFaceClientTest extends HubTestCase {

  private static final String SHARD = "model-00001-of-00002.safetensors";

  @BeforeEach
  void publish() {
    TinyModel.sharded(server.repo("org/tiny"), 300_000);
  }

  /** What the statement prints, where {@code hub} is the client and {@code at} says where. */
  private String client(String statement) throws Exception {
    String program =
        """
        import sys
        import huggingface_hub as hub
        at = {"cache_dir": sys.argv[1]}
        """;
    List<String> line = new ArrayList<>(List.of(System.getenv("LORAX_TEST_PYTHON"), "-c"));
    line.addAll(List.of(program + statement, cache.toString()));
    var builder = new ProcessBuilder(line).redirectErrorStream(true);
    builder.environment().keySet().removeIf(name -> name.startsWith("HF_"));
    builder.environment().put("HF_ENDPOINT", server.endpoint());
    builder.environment().put("HF_HUB_DISABLE_PROGRESS_BARS", "1");
    builder.environment().put("NO_PROXY", "*");
    Process process = builder.start();
    try (var output = process.getInputStream()) {
      String text = new String(output.readAllBytes(), StandardCharsets.UTF_8);
      assertThat(process.waitFor()).as(text).isZero();
      return text.strip();
    }
  }

  @Test
  void finds_what_the_launcher_downloaded() throws Exception {
    // given
    Path model = fetch("org/tiny");
    server.close();

    // then
    assertThat(client("print(hub.snapshot_download('org/tiny', local_files_only=True, **at))"))
        .isEqualTo(model.toString());
    assertThat(
            client(
                "print(hub.hf_hub_download('org/tiny', '%s', local_files_only=True, **at))"
                    .formatted(SHARD)))
        .isEqualTo(model.resolve(SHARD).toString());
    assertThat(
            client(
                """
                scan = hub.scan_cache_dir(sys.argv[1])
                print(scan.warnings, [(r.repo_id, r.nb_files) for r in scan.repos])
                """))
        .isEqualTo("[] [('org/tiny', 6)]");
  }

  @Test
  void fills_a_cache_that_the_launcher_uses_as_it_is() throws Exception {
    // given
    String directory = client("print(hub.snapshot_download('org/tiny', **at))");
    assertThat(server.tokensAtStore()).isZero();
    server.forgetRequests();

    // then
    assertThat(fetch("org/tiny")).hasToString(directory);
    assertThat(fetchOffline("org/tiny", null)).hasToString(directory);
    assertThat(server.requests()).containsExactly("GET hub /api/models/org/tiny/revision/main");
  }

  @Test
  void reads_the_refusals_of_the_hub_in_miniature_as_the_real_ones() throws Exception {
    // given
    TinyModel.companions(server.repo("org/gated")).access(HubRepo.Access.GATED);
    TinyModel.companions(server.repo("org/secret")).access(HubRepo.Access.PRIVATE);
    String file = "hub.hf_hub_download('org/%s', '%s', revision='%s', token=%s, **at)";
    String stranger = "'" + HubServer.TOKEN_OF_ANOTHER + "'";

    // then
    assertThat(refusal(file.formatted("gated", "config.json", "main", stranger)))
        .isEqualTo("GatedRepoError");
    assertThat(refusal(file.formatted("secret", "config.json", "main", stranger)))
        .isEqualTo("RepositoryNotFoundError");
    assertThat(refusal(file.formatted("tiny", "config.json", "v9", "False")))
        .isEqualTo("RevisionNotFoundError");
    assertThat(refusal(file.formatted("tiny", "none.json", "main", "False")))
        .contains("EntryNotFoundError");
  }

  private String refusal(String call) throws Exception {
    return client(
        "try:\n    %s\nexcept Exception as e:\n    print(type(e).__name__)".formatted(call));
  }
}

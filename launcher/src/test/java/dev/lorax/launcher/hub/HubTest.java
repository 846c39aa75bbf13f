package dev.lorax.launcher.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lorax.launcher.download.DownloadException;
import dev.lorax.launcher.download.FileSelection;
import dev.lorax.launcher.testing.hub.HubFault;
import dev.lorax.launcher.testing.hub.HubRepo;
import dev.lorax.launcher.testing.hub.HubServer;
import dev.lorax.launcher.testing.hub.TinyModel;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** What is fetched, and what is not fetched again. */
final class HubTest extends HubTestCase {

  private static final int SHARD_BYTES = 300_000;

  @Test
  void fills_the_cache_in_the_layout_of_huggingface_hub() throws Exception {
    // given
    HubRepo repo = TinyModel.sharded(server.repo("org/tiny"), SHARD_BYTES);

    // when
    Path model = fetch("org/tiny");

    // then
    Path directory = cache.resolve("models--org--tiny");
    assertThat(model).isEqualTo(directory.resolve("snapshots").resolve(repo.head()));
    assertThat(directory.resolve("refs/main")).hasContent(repo.head());
    assertThat(Files.readSymbolicLink(model.resolve("config.json")))
        .isEqualTo(Path.of("../../blobs", repo.etag("config.json")));
    String weights = "model-00001-of-00002.safetensors";
    assertThat(model.resolve(weights))
        .hasBinaryContent(TinyModel.safetensors("first", SHARD_BYTES));
    assertThat(Files.readSymbolicLink(model.resolve(weights)))
        .isEqualTo(Path.of("../../blobs", repo.etag(weights)));
  }

  @Test
  void takes_what_a_server_needs_and_nothing_twice() throws Exception {
    // given
    TinyModel.sharded(server.repo("org/tiny"), SHARD_BYTES);

    // when
    Path model = fetch("org/tiny");

    // then
    assertThat(model.toFile().list())
        .containsExactlyInAnyOrder(
            "config.json",
            "generation_config.json",
            "tokenizer.json",
            "tokenizer_config.json",
            "model.safetensors.index.json",
            "model-00001-of-00002.safetensors",
            "model-00002-of-00002.safetensors");
    assertThat(cache.resolve("models--org--tiny/blobs").toFile().list())
        .as("two of the files are equal, and one is enough")
        .hasSize(6);
  }

  @Test
  void what_a_model_embeds_with_comes_from_its_folders() throws Exception {
    // given a model of sentence-transformers, with more folders than count
    TinyModel.companions(server.repo("org/embeds"))
        .put("model.safetensors", TinyModel.safetensors("all", SHARD_BYTES))
        .put("modules.json", "[]")
        .put("1_Pooling/config.json", "{\"pooling_mode_mean_tokens\":true}")
        .put("3_Normalize/config.json", "{ }")
        .put("1_Pooling/notes.json", "{}")
        .put("2_Dense/config.json", "{\"in_features\":8,\"out_features\":4}")
        .put("2_Dense/model.safetensors", TinyModel.safetensors("linear.weight", 128))
        .put("2_Dense/pytorch_model.bin", "the same again")
        .put("onnx/config.json", "{}");

    // when
    Path model = fetch("org/embeds");

    // then
    assertThat(model.resolve("modules.json")).hasContent("[]");
    assertThat(model.resolve("1_Pooling/config.json"))
        .hasContent("{\"pooling_mode_mean_tokens\":true}");
    assertThat(model.resolve("3_Normalize/config.json")).exists();
    assertThat(model.resolve("1_Pooling").toFile().list()).containsExactly("config.json");
    assertThat(model.resolve("2_Dense").toFile().list())
        .containsExactlyInAnyOrder("config.json", "model.safetensors");
    assertThat(model.resolve("onnx")).doesNotExist();
    assertThat(fetchOffline("org/embeds", null)).isEqualTo(model);
  }

  @Test
  void a_warm_cache_costs_one_request_for_a_branch_and_none_for_a_commit() throws Exception {
    // given
    HubRepo repo = TinyModel.sharded(server.repo("org/tiny"), SHARD_BYTES);
    Path cold = fetch("org/tiny");
    server.forgetRequests();

    // when
    Path ofCommit = fetch("org/tiny", repo.head(), NONE, FileSelection.BASE_MODEL);
    Path offline = fetchOffline("org/tiny", null);

    // then
    assertThat(server.requests()).isEmpty();
    assertThat(fetch("org/tiny")).isEqualTo(ofCommit).isEqualTo(offline).isEqualTo(cold);
    assertThat(server.requests()).containsExactly("GET hub /api/models/org/tiny/revision/main");
  }

  @Test
  void a_new_commit_fetches_what_has_changed() throws Exception {
    // given
    HubRepo repo = TinyModel.sharded(server.repo("org/tiny"), SHARD_BYTES);
    Path old = fetch("org/tiny");
    server.forgetRequests();
    repo.put("generation_config.json", "{\"temperature\":0.5}");

    // when
    Path model = fetch("org/tiny");

    // then
    assertThat(model).isNotEqualTo(old);
    assertThat(model.resolve("generation_config.json")).hasContent("{\"temperature\":0.5}");
    assertThat(model.resolve("model-00002-of-00002.safetensors")).exists();
    assertThat(server.sentBytes()).isEqualTo("{\"temperature\":0.5}".length());
  }

  @Test
  void a_revision_is_a_branch_a_tag_or_a_commit() throws Exception {
    // given
    HubRepo repo = TinyModel.sharded(server.repo("org/tiny"), SHARD_BYTES).tag("v1/stable");
    String commit = repo.head();
    repo.put("config.json", "{\"model_type\":\"other\"}");

    // then
    assertThat(fetch("org/tiny", "v1/stable", NONE, FileSelection.BASE_MODEL))
        .endsWith(Path.of(commit));
    assertThat(cache.resolve("models--org--tiny/refs/v1/stable")).hasContent(commit);
    assertThat(fetch("org/tiny", commit, NONE, FileSelection.BASE_MODEL)).endsWith(Path.of(commit));
    assertThat(fetch("org/tiny")).endsWith(Path.of(repo.head()));
  }

  @Test
  void the_token_stays_with_the_hub() throws Exception {
    // given
    TinyModel.sharded(server.repo("org/secret").access(HubRepo.Access.PRIVATE), SHARD_BYTES);

    // when
    Path model = fetch("org/secret", null, HubServer.TOKEN, FileSelection.BASE_MODEL);

    // then
    assertThat(model.resolve("model-00001-of-00002.safetensors")).exists();
    assertThat(server.requests()).anyMatch(request -> request.startsWith("GET store "));
    assertThat(server.tokensAtStore()).isZero();
  }

  @Test
  void a_mirror_that_lists_no_hashes_is_asked_for_each_file() throws Exception {
    // given
    HubRepo repo = TinyModel.sharded(server.repo("org/tiny"), SHARD_BYTES);
    server.listWithoutBlobs();

    // when
    Path model = fetch("org/tiny");

    // then
    assertThat(Files.readSymbolicLink(model.resolve("model-00001-of-00002.safetensors")))
        .isEqualTo(Path.of("../../blobs", repo.etag("model-00001-of-00002.safetensors")));
    assertThat(server.requests())
        .contains("HEAD hub /org/tiny/resolve/" + repo.head() + "/config.json");
  }

  @Test
  void what_the_cache_holds_will_do_when_the_hub_is_down() throws Exception {
    // given
    TinyModel.sharded(server.repo("org/tiny"), SHARD_BYTES);
    Path model = fetch("org/tiny");
    server.script("api", new HubFault.Status(503), new HubFault.Status(401));

    // then
    assertThat(fetch("org/tiny")).isEqualTo(model);
    assertThat(fetch("org/tiny")).isEqualTo(model);
    server.close();
    assertThat(fetch("org/tiny")).isEqualTo(model);
  }

  @Test
  void half_a_model_does_not_pass_for_a_whole_one() throws Exception {
    // given
    HubRepo repo = TinyModel.sharded(server.repo("org/tiny"), SHARD_BYTES);
    Path model = fetch("org/tiny");
    Files.delete(model.resolve("model-00002-of-00002.safetensors").toRealPath());
    server.forgetRequests();

    // when
    assertThatThrownBy(() -> fetchOffline("org/tiny", null))
        .isInstanceOf(DownloadException.class)
        .hasMessage(
            "HF_HUB_OFFLINE is set and %s holds no complete org/tiny: unset it, or fill the cache first with --download-only"
                .formatted(cache));
    Path again = fetch("org/tiny", repo.head(), NONE, FileSelection.BASE_MODEL);

    // then
    assertThat(again.resolve("model-00002-of-00002.safetensors"))
        .hasBinaryContent(TinyModel.safetensors("second", SHARD_BYTES));
    assertThat(server.sentBytes()).isEqualTo(TinyModel.safetensors("second", SHARD_BYTES).length);
  }

  @Test
  void an_adapter_is_two_files() throws Exception {
    // given
    TinyModel.adapter(server.repo("org/lora"), "org/tiny");

    // when
    Path adapter = fetch("org/lora", null, NONE, FileSelection.ADAPTER);

    // then
    assertThat(adapter.toFile().list())
        .containsExactlyInAnyOrder("adapter_config.json", "adapter_model.safetensors");
  }

  @Test
  void pickled_weights_come_where_there_are_no_others() throws Exception {
    // given
    TinyModel.companions(server.repo("org/old"))
        .put("pytorch_model.bin", "pickled")
        .put("training_args.bin", "pickled too");

    // when
    Path model = fetch("org/old");

    // then
    assertThat(model.resolve("pytorch_model.bin")).hasContent("pickled");
    assertThat(model.resolve("training_args.bin")).doesNotExist();
  }

  @Test
  void a_single_gguf_file_comes_alone() throws Exception {
    // given
    server.repo("org/gguf").put("README.md", "#").put("tiny.Q4_K_M.gguf", "GGUF");

    // then
    assertThat(fetch("org/gguf").toFile().list()).containsExactly("tiny.Q4_K_M.gguf");
  }
}

package dev.lorax.launcher.hub;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lorax.launcher.download.DownloadException;
import dev.lorax.launcher.download.FileSelection;
import dev.lorax.launcher.failure.FailureCode;
import dev.lorax.launcher.testing.hub.HubRepo;
import dev.lorax.launcher.testing.hub.HubServer;
import dev.lorax.launcher.testing.hub.TinyModel;
import org.junit.jupiter.api.Test;

/** What people read when a repository cannot be had. */
final class HubRefusalsTest extends HubTestCase {

  @Test
  void a_misspelt_or_private_repository() {
    // given
    TinyModel.sharded(server.repo("org/secret").access(HubRepo.Access.PRIVATE), 4000);

    // then
    String stranger =
        "HUB has no model org/%s that everybody may read: check the spelling, or give a token in"
            + " HF_TOKEN if it is private or gated";
    assertRefused(FailureCode.MODEL_NOT_FOUND, stranger.formatted("tyni"), "org/tyni", null, NONE);
    assertRefused(
        FailureCode.MODEL_NOT_FOUND, stranger.formatted("secret"), "org/secret", null, NONE);
    assertRefused(
        FailureCode.MODEL_NOT_FOUND,
        "HUB has no model org/secret that the token in use may read: check the spelling and the"
            + " rights of the token",
        "org/secret",
        null,
        HubServer.TOKEN_OF_ANOTHER);
  }

  @Test
  void a_gated_repository() {
    // given
    TinyModel.sharded(server.repo("org/gated").access(HubRepo.Access.GATED), 4000);

    // then
    assertRefused(
        FailureCode.GATED_MODEL,
        "org/gated is gated: accept its terms at HUB/org/gated and give a token of that account in"
            + " HF_TOKEN",
        "org/gated",
        null,
        NONE);
    assertRefused(
        FailureCode.GATED_MODEL,
        "org/gated is gated: accept its terms at HUB/org/gated and give a token of the account that"
            + " did so; the token in use may not read it",
        "org/gated",
        null,
        HubServer.TOKEN_OF_ANOTHER);
  }

  @Test
  void a_token_that_the_hub_does_not_know() {
    // given
    TinyModel.sharded(server.repo("org/tiny"), 4000);

    // then
    assertRefused(
        FailureCode.WRONG_TOKEN,
        "HUB does not know the token in use: it is mistyped, expired or revoked; create one at"
            + " HUB/settings/tokens and give it in HF_TOKEN",
        "org/tiny",
        null,
        "hf_mistyped");
  }

  @Test
  void a_revision_that_there_is_not() {
    // given
    TinyModel.sharded(server.repo("org/tiny"), 4000);

    // then
    assertRefused(
        FailureCode.MODEL_NOT_FOUND,
        "org/tiny has no revision v9 on HUB: give a branch, a tag or a whole commit id",
        "org/tiny",
        "v9",
        NONE);
  }

  @Test
  void a_repository_that_cannot_be_served() {
    // given
    TinyModel.companions(server.repo("org/empty"));
    server.repo("org/bare").put("model.safetensors", "x").put("config.json", "{}");
    server.repo("org/many").put("a.Q4_0.gguf", "GGUF").put("b.Q8_0.gguf", "GGUF");

    // then
    assertRefused(
        FailureCode.INCOMPLETE_MODEL,
        "org/empty holds no weights that can be served: expected *.safetensors, *.bin or one"
            + " .gguf file",
        "org/empty",
        null,
        NONE);
    assertRefused(
        FailureCode.INCOMPLETE_MODEL,
        "org/bare lacks tokenizer.json, tokenizer_config.json, so it cannot be served",
        "org/bare",
        null,
        NONE);
    assertRefused(
        FailureCode.UNSUPPORTED_MODEL,
        "org/many holds several GGUF files (a.Q4_0.gguf, b.Q8_0.gguf) and no safetensors:"
            + " download one and give its path as --model-id",
        "org/many",
        null,
        NONE);
  }

  @Test
  void an_adapter_that_is_none() {
    // given
    server
        .repo("org/medusa")
        .put("config.json", "{\"medusa_num_heads\":4}")
        .put("medusa_lm_head.safetensors", "x");

    // then
    assertThatThrownBy(() -> fetch("org/medusa", null, NONE, FileSelection.ADAPTER))
        .isInstanceOf(DownloadException.class)
        .hasMessage(
            "org/medusa is no LoRA adapter: it lacks adapter_config.json (Medusa adapters are not"
                + " supported)");
  }

  @Test
  void an_id_that_leads_elsewhere() {
    assertThatThrownBy(() -> HubRepository.of("../../etc", null))
        .hasMessage(
            "../../etc is no model of a hub: expected organisation/name of letters, digits, -, _"
                + " and .");
    assertThatThrownBy(() -> HubRepository.of("org/tiny", "../../../x"))
        .hasMessage("../../../x is no revision of org/tiny: expected a branch, tag or commit");
  }
}

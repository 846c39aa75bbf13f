package dev.lorax.launcher.convert.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.lorax.launcher.convert.ConversionException;
import dev.lorax.launcher.convert.safetensors.Safetensors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class GgufConversionTest {

  @TempDir private Path directory;

  private Path convert(TinyGguf gguf) throws Exception {
    Path target = Files.createDirectory(directory.resolve("converted"));
    open(gguf).writeTo(target, written -> {});
    return target;
  }

  private GgufConversion open(TinyGguf gguf) throws IOException, ConversionException {
    return GgufConversion.open(gguf.write(directory.resolve("tiny.gguf")));
  }

  private static JsonNode json(Path file) throws IOException {
    return new ObjectMapper().readTree(file.toFile());
  }

  @Test
  void takes_the_interleaved_halves_of_query_and_key_heads_apart() throws Exception {
    // given
    var gguf = TinyGguf.llama();

    // when
    var weights = new Safetensors(convert(gguf).resolve("model.safetensors"));

    // then
    assertThat(weights.firstColumn("model.layers.0.self_attn.q_proj.weight", TinyGguf.COLUMNS))
        .containsExactly(0, 2, 1, 3, 4, 6, 5, 7);
    assertThat(weights.firstColumn("model.layers.0.self_attn.k_proj.weight", TinyGguf.COLUMNS))
        .containsExactly(0, 2, 1, 3);
    assertThat(weights.firstColumn("model.embed_tokens.weight", TinyGguf.COLUMNS))
        .containsExactly(0, 1, 2, 3);
  }

  @Test
  void writes_a_safetensors_header_that_is_aligned_and_complete() throws Exception {
    // given
    var gguf = TinyGguf.llama();

    // when
    var weights = new Safetensors(convert(gguf).resolve("model.safetensors"));

    // then
    assertThat(weights.dataStart() % 8).isZero();
    assertThat(weights.header().at("/__metadata__/format").asText()).isEqualTo("pt");
    assertThat(weights.header().path("model.norm.weight").toString())
        .isEqualTo("{\"dtype\":\"F32\",\"shape\":[32],\"data_offsets\":[512,640]}");
  }

  @Test
  void dequantises_rows_in_their_new_order() throws Exception {
    // given a key of four rows, each one Q8_0 block: scale 1.0, then 32 times the row number
    var blocks = new byte[4 * 34];
    for (int row = 0; row < 4; row++) {
      blocks[row * 34 + 1] = 0x3C;
      Arrays.fill(blocks, row * 34 + 2, row * 34 + 34, (byte) row);
    }
    var gguf = TinyGguf.llama().tensor("blk.1.attn_k.weight", 8, 4, blocks);

    // when
    var weights = new Safetensors(convert(gguf).resolve("model.safetensors"));

    // then
    assertThat(weights.firstColumn("model.layers.1.self_attn.k_proj.weight", TinyGguf.COLUMNS))
        .containsExactly(0, 2, 1, 3);
  }

  @Test
  void describes_the_model_as_transformers_does() throws Exception {
    // given
    var gguf = TinyGguf.llama();

    // when
    JsonNode config = json(convert(gguf).resolve("config.json"));

    // then
    assertThat(config.at("/architectures/0").asText()).isEqualTo("LlamaForCausalLM");
    assertThat(config.path("num_key_value_heads").asInt()).isEqualTo(1);
    assertThat(config.path("head_dim").asInt()).isEqualTo(4);
    assertThat(config.path("rms_norm_eps").doubleValue()).isEqualTo((double) 1e-5f);
    assertThat(config.path("tie_word_embeddings").asBoolean()).isTrue();
    assertThat(config.path("eos_token_id").asInt()).isZero();
    assertThat(config.has("bos_token_id")).isFalse();
  }

  @Test
  void a_model_with_an_output_tensor_has_embeddings_of_its_own_for_the_head() throws Exception {
    // given
    var gguf = TinyGguf.llama().tensor("output.weight", 4);

    // when
    Path converted = convert(gguf);

    // then
    assertThat(json(converted.resolve("config.json")).path("tie_word_embeddings").asBoolean())
        .isFalse();
    assertThat(
            new Safetensors(converted.resolve("model.safetensors")).header().has("lm_head.weight"))
        .isTrue();
  }

  @Test
  void carries_vocabulary_merges_special_tokens_and_chat_template_over() throws Exception {
    // given
    var gguf = TinyGguf.llama();

    // when
    Path converted = convert(gguf);

    // then
    JsonNode tokenizer = json(converted.resolve("tokenizer.json"));
    assertThat(tokenizer.at("/model/vocab/ab").asInt()).isEqualTo(3);
    assertThat(tokenizer.at("/model/merges/0").asText()).isEqualTo("a b");
    assertThat(tokenizer.path("added_tokens")).hasSize(1);
    assertThat(tokenizer.at("/added_tokens/0/content").asText()).isEqualTo("<|end|>");
    assertThat(tokenizer.at("/pre_tokenizer/pretokenizers/0/type").asText()).isEqualTo("Digits");
    JsonNode config = json(converted.resolve("tokenizer_config.json"));
    assertThat(config.path("chat_template").asText()).isEqualTo("{{ messages }}");
    assertThat(config.path("eos_token").asText()).isEqualTo("<|end|>");
  }

  @Test
  void reports_the_bytes_after_every_tensor() throws Exception {
    // given
    var conversion = open(TinyGguf.llama());
    List<Long> progress = new ArrayList<>();

    // when
    conversion.writeTo(directory, progress::add);

    // then
    assertThat(progress).hasSize(4).isSorted().endsWith(conversion.weightBytes());
    assertThat(conversion.weightBytes()).isEqualTo((4 + 1 + 8 + 4) * 32 * 4);
  }

  @Test
  void refuses_what_it_cannot_convert_by_name() {
    assertRefused(
        () -> open(TinyGguf.llama().with("general.architecture", "gemma")),
        "architecture must be llama, the only one that can be converted, got gemma");
    assertRefused(
        () -> open(TinyGguf.llama().tensor("blk.0.attn_q.bias", 1)),
        "tensor blk.0.attn_q.bias is not part of a llama model");
    assertRefused(
        () -> open(TinyGguf.llama().tensor("output.weight", 11, 4, new byte[1024])),
        "tensor output.weight is of type Q3_K, which cannot be converted");
    assertRefused(
        () -> open(TinyGguf.llama().with("tokenizer.ggml.model", "llama")),
        "tokenizer must be gpt2 (byte-level BPE), the only one that can be converted, got llama");
    assertRefused(
        () -> open(TinyGguf.llama().with("tokenizer.ggml.pre", "qwen2")),
        "pre-tokenizer must be smollm or gpt-2, got qwen2");
    assertRefused(
        () -> open(TinyGguf.llama().without("llama.attention.head_count")),
        "GGUF metadata lacks llama.attention.head_count");
  }

  @Test
  void refuses_files_that_are_cut_or_something_else() throws Exception {
    // given
    Path whole = TinyGguf.llama().write(directory.resolve("whole.gguf"));
    byte[] bytes = Files.readAllBytes(whole);
    Path text = Files.writeString(directory.resolve("text.gguf"), "version https://git-lfs");

    // then
    assertRefused(
        () -> GgufConversion.open(text),
        "not a GGUF file: it does not start with the letters GGUF");
    for (int length : new int[] {6, 100, bytes.length / 2, bytes.length - 64}) {
      Path cut = Files.write(directory.resolve("cut.gguf"), Arrays.copyOf(bytes, length));
      assertThatThrownBy(() -> GgufConversion.open(cut))
          .isInstanceOf(ConversionException.class)
          .hasMessageStartingWith("not a whole GGUF file");
    }
  }

  private static void assertRefused(ThrowingCallable opening, String sentence) {
    assertThatThrownBy(opening).isInstanceOf(ConversionException.class).hasMessage(sentence);
  }
}

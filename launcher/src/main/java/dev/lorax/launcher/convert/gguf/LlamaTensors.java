package dev.lorax.launcher.convert.gguf;

import dev.lorax.launcher.convert.ConversionException;
import java.util.Map;
import java.util.function.LongUnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Names and row orders of Llama's tensors in the two worlds. Immutable. */
final class LlamaTensors {

  private static final Pattern BLOCK = Pattern.compile("blk\\.(\\d+)\\.(.+)");

  private static final Map<String, String> OUTSIDE_BLOCKS =
      Map.of(
          "token_embd.weight", "model.embed_tokens.weight",
          "output_norm.weight", "model.norm.weight",
          "output.weight", "lm_head.weight");

  private static final Map<String, String> IN_BLOCK =
      Map.of(
          "attn_norm.weight", "input_layernorm.weight",
          "attn_q.weight", "self_attn.q_proj.weight",
          "attn_k.weight", "self_attn.k_proj.weight",
          "attn_v.weight", "self_attn.v_proj.weight",
          "attn_output.weight", "self_attn.o_proj.weight",
          "ffn_norm.weight", "post_attention_layernorm.weight",
          "ffn_gate.weight", "mlp.gate_proj.weight",
          "ffn_up.weight", "mlp.up_proj.weight",
          "ffn_down.weight", "mlp.down_proj.weight");

  private final int heads;
  private final int keyValueHeads;

  LlamaTensors(int heads, int keyValueHeads) {
    this.heads = heads;
    this.keyValueHeads = keyValueHeads;
  }

  String name(String ggufName) throws ConversionException {
    String name = OUTSIDE_BLOCKS.get(ggufName);
    Matcher block = BLOCK.matcher(ggufName);
    if (name == null && block.matches() && IN_BLOCK.containsKey(block.group(2))) {
      name = "model.layers.%s.%s".formatted(block.group(1), IN_BLOCK.get(block.group(2)));
    }
    if (name == null) {
      throw ConversionException.unsupported(
          "tensor %s is not part of a llama model".formatted(ggufName));
    }
    return name;
  }

  /** Which row of the GGUF tensor becomes a row of the Hugging Face tensor. */
  LongUnaryOperator rowOrder(GgufTensor tensor) {
    if (tensor.name().endsWith(".attn_q.weight")) {
      return unpermuted(tensor.rows() / heads);
    }
    if (tensor.name().endsWith(".attn_k.weight")) {
      return unpermuted(tensor.rows() / keyValueHeads);
    }
    return row -> row;
  }

  /**
   * llama.cpp rotates neighbouring rows of a head, Hugging Face those half a head apart, so the
   * conversion to GGUF interleaved the two halves; this takes them apart again.
   */
  private static LongUnaryOperator unpermuted(long headRows) {
    long half = headRows / 2;
    return row -> {
      long head = row / headRows;
      long inHead = row % headRows;
      return head * headRows + inHead % half * 2 + inHead / half;
    };
  }
}

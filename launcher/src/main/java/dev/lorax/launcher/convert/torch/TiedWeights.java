package dev.lorax.launcher.convert.torch;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * Tensors of a checkpoint that are the same memory under several names. One name is kept; the file
 * says under which others readers may look for it.
 *
 * <p>Only equal views are tied. Views that merely overlap are written each on its own: that costs
 * space, where leaving one out would lose it.
 */
final class TiedWeights {

  /**
   * Names that transformers derives from another tensor when it ties weights ({@code
   * _tied_weights_keys}), so that the other one is kept.
   */
  private static final Pattern DERIVED =
      Pattern.compile(
          "(.*\\.)?(lm_head|embed_out|cls\\.predictions\\.decoder)\\..*"
              + "|(encoder|decoder)\\.embed_tokens\\.weight");

  private TiedWeights() {}

  /** Names to leave out, each with the name that stays. */
  static Map<String, String> find(Map<String, TorchTensor> tensors) {
    Map<TorchTensor, List<String>> names = new LinkedHashMap<>();
    tensors.forEach(
        (name, tensor) -> names.computeIfAbsent(tensor, same -> new ArrayList<>()).add(name));
    Map<String, String> tied = new LinkedHashMap<>();
    for (var same : names.values()) {
      same.sort(
          Comparator.comparing((String name) -> DERIVED.matcher(name).matches())
              .thenComparing(Comparator.naturalOrder()));
      same.subList(1, same.size()).forEach(name -> tied.put(name, same.getFirst()));
    }
    return tied;
  }
}

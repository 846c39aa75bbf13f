package dev.lorax.launcher.convert.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lorax.launcher.convert.ConversionException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Pickles written by hand, as an attacker would. */
final class PickleMachineTest {

  private static Object load(String code) throws ConversionException {
    return PickleMachine.load(
        code.getBytes(StandardCharsets.ISO_8859_1), new TorchGlobals("model.bin"));
  }

  @Test
  void reads_dicts_lists_tuples_and_numbers() throws Exception {
    // when
    Object loaded =
        load(
            "\u0080\2}(X\1\0\0\0a](K\7M\1\1J\u00ff\u00ff\u00ff\u00ffeX\1\0\0\0b\u008a\5\0\0\0\0\1u.");

    // then
    assertThat(loaded).isEqualTo(Map.of("a", List.of(7L, 257L, -1L), "b", 1L << 32));
  }

  @Test
  void shares_what_is_remembered() throws Exception {
    // then
    assertThat(load("(]q\0h\0t."))
        .isInstanceOfSatisfying(
            PickleTuple.class, pair -> assertThat(item(pair, 0)).isSameAs(item(pair, 1)));
  }

  private static Object item(PickleTuple tuple, int index) {
    try {
      return tuple.item(index, Object.class);
    } catch (ConversionException e) {
      throw new AssertionError(e);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "os, system",
    "builtins, eval",
    "builtins, getattr",
    "posix, system",
    "torch, load",
    "torch.hub, load",
    "torch._utils, _rebuild_wrapper_subclass",
    "torch.storage, _load_from_bytes",
    "collections, OrderedDict.__init__",
    "numpy.core.multiarray, _reconstruct",
    "'', os.system",
  })
  void refuses_every_global_that_is_not_about_weights(String module, String name) {
    // then
    assertThatThrownBy(() -> load("\u0080\2c" + module + "\n" + name + "\n(X\2\0\0\0idtR."))
        .hasMessage("refuses to run `%s.%s` from model.bin: only weights are read", module, name);
    String stacked = "\u0080\4" + shortText(module) + shortText(name) + "\u0093.";
    assertThatThrownBy(() -> load(stacked))
        .hasMessage("refuses to run `%s.%s` from model.bin: only weights are read", module, name);
  }

  private static String shortText(String text) {
    return "\u008c" + (char) text.length() + text;
  }

  /** INST, OBJ, NEWOBJ, NEWOBJ_EX, EXT1, text opcodes of protocol 0, and one that no pickle has. */
  @ParameterizedTest
  @ValueSource(
      strings = {"(ios\nsystem\n.", "(o.", "\u0081.", "\u0092.", "\u0082\1.", "S'x'\n.", "\u00ff."})
  void refuses_opcodes_that_no_weights_need(String code) {
    // then
    assertThatThrownBy(() -> load(code)).hasMessageContaining("which no weights need");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        ".",
        "t.",
        "R.",
        "0.",
        "(0.",
        "h\1.",
        "e.",
        "K",
        "X\u00ff\u00ff\u00ff\u007fa.",
        "\u008d\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ffa.",
        "K\1K\2\u0086Q.",
        "}}K\1s.",
        "]K\1K\2s.",
        "K\1)R.",
        "ccollections\nOrderedDict\nK\1b."
      })
  void refuses_nonsense_with_a_sentence(String code) {
    // then
    assertThatThrownBy(() -> load(code)).isInstanceOf(ConversionException.class);
  }

  @Test
  void a_thing_that_contains_itself_is_no_trap() throws Exception {
    // given
    Object knot = load("]q\0h\0a.");

    // then
    assertThat(PickleMachine.describe(knot)).isEqualTo("a list");
    assertThatThrownBy(() -> load("]q\0h\0a}h\0K\1s."))
        .hasMessage("is refused: its pickle has a list as a key");
  }
}

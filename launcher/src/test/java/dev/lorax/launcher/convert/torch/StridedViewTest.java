package dev.lorax.launcher.convert.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lorax.launcher.convert.ConversionException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.LongStream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

final class StridedViewTest {

  @Property
  void runs_name_the_elements_that_strides_name(@ForAll("views") StridedView view)
      throws Exception {
    // when
    List<Long> elements = new ArrayList<>();
    view.forEachRun(
        (first, count) -> LongStream.range(first, first + count).forEach(elements::add));

    // then
    assertThat(elements).isEqualTo(byIndex(view, 0, view.offset()));
    assertThat(elements).hasSize(Math.toIntExact(view.elements()));
    assertThat(elements.stream().mapToLong(element -> element + 1).max().orElse(0))
        .isEqualTo(view.end());
  }

  /** The definition, dimension by dimension. */
  private static List<Long> byIndex(StridedView view, int dimension, long at) {
    if (dimension == view.shape().size()) {
      return List.of(at);
    }
    List<Long> elements = new ArrayList<>();
    for (long i = 0; i < view.shape().get(dimension); i++) {
      elements.addAll(byIndex(view, dimension + 1, at + i * view.stride().get(dimension)));
    }
    return elements;
  }

  @Property
  void a_contiguous_view_is_one_run(@ForAll("shapes") List<Long> shape) throws Exception {
    // given
    List<Long> stride = new ArrayList<>();
    long size = 1;
    for (int i = shape.size() - 1; i >= 0; i--) {
      stride.addFirst(size);
      size *= shape.get(i);
    }

    // when
    List<Long> runs = new ArrayList<>();
    StridedView.of(3, shape, stride).forEachRun((first, count) -> runs.add(count));

    // then
    assertThat(runs).isEqualTo(size == 0 ? List.of() : List.of(size));
  }

  @Example
  void refuses_what_no_tensor_can_be() {
    assertRefused(-1, List.of(1L), List.of(1L));
    assertRefused(0, List.of(-1L), List.of(1L));
    assertRefused(0, List.of(2L), List.of(-1L));
    assertRefused(0, List.of(2L), List.of());
    assertRefused(0, List.of(1L << 40, 1L << 40), List.of(1L, 1L));
    assertRefused(Long.MAX_VALUE, List.of(2L), List.of(1L));
  }

  private static void assertRefused(long offset, List<Long> shape, List<Long> stride) {
    assertThatThrownBy(() -> StridedView.of(offset, shape, stride))
        .isInstanceOf(ConversionException.class)
        .hasMessageContaining("no tensor has offset");
  }

  @Provide
  Arbitrary<List<Long>> shapes() {
    return Arbitraries.longs().between(0, 4).list().ofMaxSize(4);
  }

  @Provide
  Arbitrary<StridedView> views() {
    Arbitrary<Long> strides = Arbitraries.longs().between(0, 30);
    return shapes()
        .flatMap(shape ->
            Combinators.combine(
                    Arbitraries.longs().between(0, 50), strides.list().ofSize(shape.size()))
                .as((offset, stride) -> new StridedView(offset, shape, stride)));
  }
}

package dev.lorax.options;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

final class KindTest {

  private enum Colour {
    RED,
    GREEN,
    BLUE
  }

  @Test
  void reads_durations_as_it_spells_them() {
    for (var text : List.of("0s", "500ms", "90s", "2m", "100m", "30m", "1h", "999999h")) {
      Duration duration = Kind.DURATION.reading().apply(text);
      assertThat(Kind.DURATION.spelling().apply(duration)).isEqualTo(text);
    }
    assertThat(Kind.DURATION.reading().apply("60m")).isEqualTo(Duration.ofHours(1));
    for (var text : List.of("", "5", "s", "-1s", "1.5s", "5 s", "5d", "1234567890s", "٣s")) {
      assertThat(Kind.DURATION.reads(text)).as(text).isFalse();
    }
  }

  @Test
  void reads_constants_in_any_case_and_other_values_in_their_own() {
    Kind<Colour> constants = Kind.oneOf(Colour.values());
    Kind<Colour> values = Kind.oneOf(List.of(Colour.RED, Colour.BLUE), Colour::name);

    assertThat(constants.reading().apply("Green")).isEqualTo(Colour.GREEN);
    assertThat(constants.spelling().apply(Colour.GREEN)).isEqualTo("green");
    assertThat(constants.expected()).isEqualTo("red, green or blue");
    assertThat(constants.reads("gray")).isFalse();
    assertThat(values.reading().apply("RED")).isEqualTo(Colour.RED);
    assertThat(values.reads("red")).isFalse();
    assertThat(values.expected()).isEqualTo("RED or BLUE");
  }

  @Test
  void takes_no_name_for_an_address() {
    for (var address : List.of("0.0.0.0", "127.0.0.1", "::", "::1", "fe80::1")) {
      assertThat(Kind.ADDRESS.reads(address)).as(address).isTrue();
    }
    for (var name : List.of("localhost", "demo-5d4f-x2x", "10.0.0.256", "3f2a9c0b1d7e", "")) {
      assertThat(Kind.ADDRESS.reads(name)).as(name).isFalse();
    }
  }

  @Test
  void takes_no_address_of_a_page_for_its_origin() {
    for (var origin :
        List.of("https://a.example.org", "http://localhost:8080", "http://[::1]:80", "*")) {
      assertThat(Kind.ORIGIN.reads(origin)).as(origin).isTrue();
    }
    for (var other :
        List.of("https://a.org/", "https://a.org/chat", "a.org", "https://u@a.org", "")) {
      assertThat(Kind.ORIGIN.reads(other)).as(other).isFalse();
    }
    assertThat(Kind.TOKEN.reads("x-team")).isTrue();
    assertThat(Kind.TOKEN.reads("x team")).isFalse();
  }

  @Test
  void takes_no_bare_host_for_a_collector() {
    for (var address :
        List.of("http://localhost:4317", "https://otel.example.org", "http://[::1]:4317/")) {
      assertThat(Kind.COLLECTOR.reads(address)).as(address).isTrue();
    }
    for (var other : List.of("localhost:4317", "grpc://a:4317", "http://", "http://a b", "")) {
      assertThat(Kind.COLLECTOR.reads(other)).as(other).isFalse();
    }
  }

  @Test
  void reads_numbers_with_space_around_them() {
    assertThat(Kind.WHOLE_NUMBER.reading().apply(" 80 ")).isEqualTo(80);
    assertThat(Kind.NUMBER.reading().apply(" 0.5 ")).isEqualTo(0.5);
    assertThat(Kind.WHOLE_NUMBER.reads("1e3")).isFalse();
    assertThat(Kind.WHOLE_NUMBER.reads("3000000000")).isFalse();
  }
}

package dev.lorax.crds.compatibility;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class SchemaComparisonTest {

  private static final String EARLIER =
      """
      type: object
      required: [name]
      x-kubernetes-validations: [{rule: self.name != 'x'}]
      properties: {
        name: {type: string, minLength: 1, maxLength: 10, pattern: '[a-z]+'},
        count: {type: integer, minimum: 1, maximum: 8, default: 1},
        device: {type: string, enum: [cpu, cuda]},
        size: {type: string},
        note: {type: string, nullable: true},
        list: {type: array, maxItems: 4, x-kubernetes-list-type: set, items: {type: string}},
        map: {type: object, additionalProperties: {type: string, maxLength: 5}},
        free: {type: object, x-kubernetes-preserve-unknown-fields: true},
      }
      """;

  /** What is written in the place of what, and what is said of it. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          size: {type: string},    |                          | spec.size is gone
          size: {type: string}     | size: {type: boolean}    | spec.size changes its type from string to boolean
          maximum: 8               | maximum: 4               | spec.count has its maximum lowered from 8 to 4
          minimum: 1               | minimum: 2               | spec.count has its minimum raised from 1 to 2
          maxLength: 10            | maxLength: 9             | spec.name has its maxLength lowered from 10 to 9
          maxItems: 4              | maxItems: 3              | spec.list has its maxItems lowered from 4 to 3
          size: {type: string}     | size: {type: string, maxLength: 9}  | spec.size gets a maxLength of 9
          size: {type: string}     | size: {type: string, enum: [big]}   | spec.size takes only ["big"] now
          size: {type: string}     | size: {type: string, pattern: x}    | spec.size has another pattern, "x" instead of none
          enum: [cpu, cuda]        | enum: [cuda]             | spec.device takes no cpu any more
          '[a-z]+'                 | '[a-y]+'                 | spec.name has another pattern, "[a-y]+" instead of "[a-z]+"
          default: 1               | default: 2               | spec.count has another default, 2 instead of 1
          , default: 1             |                          | spec.count has another default, none instead of 1
          required: [name]         | required: [name, size]   | spec.size must be set now
          , nullable: true         |                          | spec.note is not nullable any more
          x-kubernetes-list-type: set | x-kubernetes-list-type: atomic | spec.list has another x-kubernetes-list-type
          items: {type: string}    | items: {type: integer}   | spec.list[] changes its type from string to integer
          maxLength: 5             | maxLength: 4             | spec.map.* has its maxLength lowered from 5 to 4
          additionalProperties     | other                    | spec.map.* is gone
          , x-kubernetes-preserve-unknown-fields: true |      | spec.free is not x-kubernetes-preserve-unknown-fields any more
          self.name != 'x'         | self.name != 'y'         | spec has a new rule, self.name != 'y'
          """)
  void says_what_breaks(String was, String is, String expected) {
    // when
    List<Break> breaks = compare(EARLIER.replace(was, is == null ? "" : is));

    // then
    assertThat(breaks).singleElement().asString().startsWith(expected);
    assertThat(breaks.get(0).remedy()).isNotBlank();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          size: {type: string}  | size: {type: string, description: how large}
          size: {type: string}  | size: {x-kubernetes-int-or-string: true}
          {type: integer, minimum: 1 | {type: number, minimum: 1
          maximum: 8            | maximum: 16
          , maximum: 8          |
          minLength: 1          | minLength: 0
          enum: [cpu, cuda]     | enum: [cpu, cuda, tpu]
          , enum: [cpu, cuda]   |
          , pattern: '[a-z]+'   |
          required: [name]      | required: [name, count]
          required: [name]      | required: []
          size: {type: string}  | `size: {type: string}, new: {type: object, required: [x], properties: {x: {type: string}}}`
          """)
  void leaves_alone_what_allows_more(String was, String is) {
    assertThat(compare(EARLIER.replace(was, is == null ? "" : is))).isEmpty();
  }

  private static List<Break> compare(String later) {
    return SchemaComparison.of("spec", yaml(EARLIER), yaml(later));
  }

  private static JsonNode yaml(String text) {
    return Serialization.unmarshal(text, JsonNode.class);
  }

  @Test
  void tells_in_one_sentence_what_happened_and_what_to_do() {
    assertThat(compare(EARLIER.replace("enum: [cpu, cuda]", "enum: [cuda]")))
        .singleElement()
        .hasToString(
            "spec.device takes no cpu any more, and objects that are valid today would be refused:"
                + " keep the value and let the operator treat it as before");
  }
}

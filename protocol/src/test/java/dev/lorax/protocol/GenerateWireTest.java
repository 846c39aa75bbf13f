package dev.lorax.protocol;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.EnumDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Descriptors.FileDescriptor;
import com.google.protobuf.Descriptors.OneofDescriptor;
import dev.lorax.protocol.generate.v1.Generate;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * The wire of {@code generate.v1} against a listing of upstream's: a renumbered or retyped field
 * would compile and talk nonsense to an upstream router or shard.
 */
final class GenerateWireTest {
  private static final FileDescriptor FILE = Generate.getDescriptor();

  @Test
  void every_message_field_enum_and_method_is_upstreams() throws IOException {
    // given
    List<String> upstream = listing("generate.v1.txt");

    // when
    List<String> ours =
        Stream.of(messages(), enums(), methods()).flatMap(lines -> lines).sorted().toList();

    // then
    assertThat(ours).containsExactlyElementsOf(upstream);
    assertThat(FILE.getPackage()).isEqualTo("generate.v1");
  }

  private static Stream<String> messages() {
    return FILE.getMessageTypes().stream()
        .flatMap(message ->
            Stream.concat(
                Stream.of("message " + message.getName()),
                message.getFields().stream().map(field -> describe(message, field))));
  }

  private static String describe(Descriptor message, FieldDescriptor field) {
    return "message %s %s = %d %s %s"
        .formatted(
            message.getName(), field.getName(), field.getNumber(), label(field), type(field));
  }

  private static String label(FieldDescriptor field) {
    OneofDescriptor oneof = field.getRealContainingOneof();
    if (oneof != null) {
      return "oneof " + oneof.getName();
    }
    if (field.isRepeated()) {
      return "repeated";
    }
    return field.toProto().getProto3Optional() ? "optional" : "single";
  }

  private static String type(FieldDescriptor field) {
    return switch (field.getJavaType()) {
      case MESSAGE -> field.getMessageType().getName();
      case ENUM -> field.getEnumType().getName();
      default -> field.getType().name().toLowerCase(Locale.ROOT);
    };
  }

  private static Stream<String> enums() {
    return FILE.getEnumTypes().stream().flatMap(GenerateWireTest::values);
  }

  private static Stream<String> values(EnumDescriptor type) {
    return type.getValues().stream()
        .map(value ->
            "enum %s %s = %d".formatted(type.getName(), value.getName(), value.getNumber()));
  }

  private static Stream<String> methods() {
    return FILE.findServiceByName("LoraxService").getMethods().stream()
        .map(method ->
            "rpc %s(%s) %s"
                .formatted(
                    method.getName(),
                    method.getInputType().getName(),
                    method.getOutputType().getName()));
  }

  private static List<String> listing(String name) throws IOException {
    try (InputStream resource = GenerateWireTest.class.getResourceAsStream(name)) {
      return new String(resource.readAllBytes(), StandardCharsets.UTF_8).lines().toList();
    }
  }
}

package dev.lorax.launcher.config;

import dev.lorax.launcher.config.LauncherConfig.ShardPlacement;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Spelled as in the {@code LoraxServer} resource. */
final class ShardPlacementConverter implements ITypeConverter<ShardPlacement> {

  @Override
  public ShardPlacement convert(String value) {
    return switch (value) {
      case "PerContainer" -> ShardPlacement.PER_CONTAINER;
      case "SharedContainer" -> ShardPlacement.SHARED_CONTAINER;
      default ->
          throw new TypeConversionException(
              "expected PerContainer or SharedContainer but was '%s'".formatted(value));
    };
  }
}

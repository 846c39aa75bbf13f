package dev.lorax.launcher.config;

import dev.lorax.launcher.config.LauncherConfig.ShardPlacement;
import java.util.Arrays;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Spelled as in the {@code LoraxServer} resource. */
final class ShardPlacementConverter implements ITypeConverter<ShardPlacement> {

  static String spelled(ShardPlacement placement) {
    return switch (placement) {
      case PER_CONTAINER -> "PerContainer";
      case SHARED_CONTAINER -> "SharedContainer";
    };
  }

  @Override
  public ShardPlacement convert(String value) {
    return Arrays.stream(ShardPlacement.values())
        .filter(placement -> spelled(placement).equals(value))
        .findFirst()
        .orElseThrow(() -> new TypeConversionException(value));
  }
}

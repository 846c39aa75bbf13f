package dev.lorax.launcher.convert.torch;

import dev.lorax.launcher.convert.ConversionException;
import java.util.ArrayList;
import java.util.List;

/** A Python tuple, often the arguments of a call, asked for its items by type. */
final class PickleTuple {

  private final List<Object> items;

  PickleTuple(List<Object> items) {
    this.items = List.copyOf(items);
  }

  int size() {
    return items.size();
  }

  <T> T item(int index, Class<T> type) throws ConversionException {
    if (index >= items.size() || !type.isInstance(items.get(index))) {
      throw ConversionException.corrupt(
          "is damaged: its pickle has %s where a %s belongs"
              .formatted(
                  index < items.size() ? PickleMachine.describe(items.get(index)) : "nothing",
                  type.getSimpleName()));
    }
    return type.cast(items.get(index));
  }

  List<Long> integers() throws ConversionException {
    List<Long> integers = new ArrayList<>();
    for (int i = 0; i < items.size(); i++) {
      integers.add(item(i, Long.class));
    }
    return integers;
  }
}

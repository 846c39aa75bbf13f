package dev.lorax.launcher.convert.torch;

import dev.lorax.launcher.convert.ConversionException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/** Where the pickle machine keeps unfinished objects. Pops no deeper than the last mark. */
final class PickleStack {

  private final List<Object> items = new ArrayList<>();
  private final Deque<Integer> marks = new ArrayDeque<>();

  void push(Object item) {
    items.add(item);
  }

  void mark() {
    marks.push(items.size());
  }

  Object pop() throws ConversionException {
    return pop(1).getFirst();
  }

  <T> T pop(Class<T> type) throws ConversionException {
    T item = peek(type);
    items.removeLast();
    return item;
  }

  /** The topmost items, deepest first. */
  List<Object> pop(int count) throws ConversionException {
    if (items.size() - floor() < count) {
      throw ConversionException.corrupt("is damaged: its pickle takes more than it made");
    }
    return cut(items.size() - count);
  }

  /** Everything above the last mark, deepest first. */
  List<Object> popMark() throws ConversionException {
    if (marks.isEmpty()) {
      throw ConversionException.corrupt(
          "is damaged: its pickle looks for a mark that is not there");
    }
    return cut(marks.pop());
  }

  <T> T peek(Class<T> type) throws ConversionException {
    Object top = items.size() > floor() ? items.getLast() : PickleMachine.NONE;
    if (!type.isInstance(top)) {
      throw ConversionException.corrupt(
          "is damaged: its pickle has %s where another thing belongs"
              .formatted(PickleMachine.describe(top)));
    }
    return type.cast(top);
  }

  private int floor() {
    return marks.isEmpty() ? 0 : marks.peek();
  }

  private List<Object> cut(int from) {
    List<Object> top = items.subList(from, items.size());
    List<Object> cut = new ArrayList<>(top);
    top.clear();
    return cut;
  }
}

package dev.lorax.launcher.convert.torch;

import dev.lorax.launcher.convert.ConversionException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The part of Python's pickle machine (protocols 2 to 5) that a state dict needs. Confined to its
 * caller.
 *
 * <p>It builds strings, numbers, tuples, lists and dicts, and calls nothing but what {@link
 * PickleGlobals} hands out; opcodes are those of CPython's {@code pickletools}. Python's int is a
 * {@code Long}, its dict a {@code LinkedHashMap}, None is {@link #NONE}.
 */
final class PickleMachine {

  static final Object NONE = new Object();

  private static final int PROTO = 0x80;
  private static final int FRAME = 0x95;
  private static final int STOP = '.';

  private final ByteBuffer code;
  private final PickleGlobals globals;
  private final PickleStack stack = new PickleStack();
  private final Map<Long, Object> memo = new HashMap<>();

  private PickleMachine(byte[] code, PickleGlobals globals) {
    this.code = ByteBuffer.wrap(code).order(ByteOrder.LITTLE_ENDIAN);
    this.globals = globals;
  }

  /** The object that the pickle describes. */
  static Object load(byte[] code, PickleGlobals globals) throws ConversionException {
    try {
      return new PickleMachine(code, globals).run();
    } catch (BufferUnderflowException e) {
      throw ConversionException.corrupt("is damaged: its pickle ends within an instruction");
    }
  }

  private Object run() throws ConversionException {
    while (true) {
      int at = code.position();
      int opcode = uint8();
      if (opcode == STOP) {
        return stack.pop();
      }
      Object literal = literal(opcode);
      if (literal != null) {
        stack.push(literal);
      } else if (!arrange(opcode) && !remember(opcode) && !call(opcode)) {
        throw ConversionException.unsafe(
            "is refused: its pickle has opcode 0x%02x at byte %d, which no weights need"
                .formatted(opcode, at));
      }
    }
  }

  /** Values that stand in the code. */
  private @Nullable Object literal(int opcode) throws ConversionException {
    return switch (opcode) {
      case 'N' -> NONE;
      case 0x88 -> true;
      case 0x89 -> false;
      case 'J' -> (long) code.getInt();
      case 'K' -> (long) uint8();
      case 'M' -> (long) Short.toUnsignedInt(code.getShort());
      case 0x8a -> longInteger(uint8());
      case 'G' -> Double.longBitsToDouble(Long.reverseBytes(code.getLong()));
      case 'X' -> text(uint32());
      case 0x8c -> text(uint8());
      case 0x8d -> text(code.getLong());
      case ')' -> new PickleTuple(List.of());
      case ']' -> new ArrayList<>();
      case '}' -> new LinkedHashMap<>();
      default -> null;
    };
  }

  /** Tuples, lists and dicts from what is on the stack. */
  private boolean arrange(int opcode) throws ConversionException {
    switch (opcode) {
      case '(' -> stack.mark();
      case '0' -> stack.pop();
      case '2' -> stack.push(stack.peek(Object.class));
      case 't' -> stack.push(new PickleTuple(stack.popMark()));
      case 0x85 -> stack.push(new PickleTuple(stack.pop(1)));
      case 0x86 -> stack.push(new PickleTuple(stack.pop(2)));
      case 0x87 -> stack.push(new PickleTuple(stack.pop(3)));
      case 'a' -> append(stack.pop(1));
      case 'e' -> append(stack.popMark());
      case 's' -> put(stack.pop(2));
      case 'u' -> put(stack.popMark());
      default -> {
        return false;
      }
    }
    return true;
  }

  @SuppressWarnings("unchecked") // lists hold anything
  private void append(List<Object> items) throws ConversionException {
    stack.peek(ArrayList.class).addAll(items);
  }

  @SuppressWarnings("unchecked") // so do dicts
  private void put(List<Object> items) throws ConversionException {
    Map<Object, Object> dict = stack.peek(LinkedHashMap.class);
    for (int i = 0; i + 1 < items.size(); i += 2) {
      // Hashing a container could take forever; a state dict has strings as keys.
      if (!(items.get(i) instanceof String || items.get(i) instanceof Long)) {
        throw ConversionException.unsafe(
            "is refused: its pickle has %s as a key".formatted(describe(items.get(i))));
      }
      dict.put(items.get(i), items.get(i + 1));
    }
  }

  private boolean remember(int opcode) throws ConversionException {
    switch (opcode) {
      case 'q' -> memo.put((long) uint8(), stack.peek(Object.class));
      case 'r' -> memo.put(uint32(), stack.peek(Object.class));
      case 0x94 -> memo.put((long) memo.size(), stack.peek(Object.class));
      case 'h' -> stack.push(recall(uint8()));
      case 'j' -> stack.push(recall(uint32()));
      default -> {
        return false;
      }
    }
    return true;
  }

  private Object recall(long index) throws ConversionException {
    Object value = memo.get(index);
    if (value == null) {
      throw ConversionException.corrupt(
          "is damaged: its pickle recalls object %d before it is there".formatted(index));
    }
    return value;
  }

  private boolean call(int opcode) throws ConversionException {
    switch (opcode) {
      case PROTO -> uint8();
      case FRAME -> code.getLong();
      case 'c' -> stack.push(globals.find(line(), line()));
      case 0x93 -> {
        String name = stack.pop(String.class);
        stack.push(globals.find(stack.pop(String.class), name));
      }
      case 'Q' -> stack.push(globals.load(stack.pop()));
      case 'R' -> {
        PickleTuple arguments = stack.pop(PickleTuple.class);
        stack.push(stack.pop(PickleGlobals.Callable.class).call(arguments));
      }
      case 'b' -> {
        // An OrderedDict carries versions of modules as attributes; nobody here asks for them.
        stack.pop();
        stack.peek(LinkedHashMap.class);
      }
      default -> {
        return false;
      }
    }
    return true;
  }

  private long longInteger(int bytes) throws ConversionException {
    if (bytes > Long.BYTES) {
      throw ConversionException.unsafe(
          "is refused: its pickle has an integer of %d bytes".formatted(bytes));
    }
    long value = 0;
    for (int i = 0; i < bytes; i++) {
      value |= (long) uint8() << (8 * i);
    }
    int unused = Long.SIZE - 8 * bytes;
    return bytes == 0 ? 0 : value << unused >> unused;
  }

  private String text(long bytes) {
    if (bytes < 0 || bytes > code.remaining()) {
      throw new BufferUnderflowException();
    }
    var text = new byte[(int) bytes];
    code.get(text);
    return new String(text, StandardCharsets.UTF_8);
  }

  private String line() {
    int start = code.position();
    int end = start;
    while (code.get() != '\n') {
      end++;
    }
    return new String(code.array(), start, end - start, StandardCharsets.UTF_8);
  }

  private int uint8() {
    return Byte.toUnsignedInt(code.get());
  }

  private long uint32() {
    return Integer.toUnsignedLong(code.getInt());
  }

  /** The kind of an object. Never its value: that may contain itself. */
  static String describe(Object value) {
    return switch (value) {
      case Object none when none == NONE -> "None";
      case String text -> "a string";
      case Number number -> "a number";
      case Boolean flag -> "a bool";
      case TorchTensor tensor -> "a tensor";
      case Map<?, ?> dict -> "a dict";
      case List<?> list -> "a list";
      case PickleTuple tuple -> "a tuple";
      case PickleGlobals.Callable callable -> "a function";
      default -> "something that is no tensor";
    };
  }
}

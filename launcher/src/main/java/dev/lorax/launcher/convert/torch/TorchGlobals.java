package dev.lorax.launcher.convert.torch;

import dev.lorax.launcher.convert.ConversionException;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The names that {@code torch.save} writes for a dict of tensors, and no others: what a pickle may
 * do is what is listed here.
 */
final class TorchGlobals implements PickleGlobals {

  /** {@code torch.FloatStorage} and its kin. */
  private record StorageType(TorchDtype dtype) {}

  private static final Map<String, Object> KNOWN = known();

  private final String fileName;

  TorchGlobals(String fileName) {
    this.fileName = fileName;
  }

  private static Map<String, Object> known() {
    Map<String, Object> known = new HashMap<>();
    known.put("collections.OrderedDict", (Callable) TorchGlobals::orderedDict);
    known.put("torch.Size", (Callable) arguments -> arguments.item(0, PickleTuple.class));
    known.put("torch._utils._rebuild_tensor_v2", (Callable) TorchGlobals::tensor);
    known.put("torch._utils._rebuild_tensor_v3", (Callable) TorchGlobals::untypedTensor);
    known.put(
        "torch._utils._rebuild_parameter",
        (Callable) arguments -> arguments.item(0, TorchTensor.class));
    known.put("torch.storage.UntypedStorage", new StorageType(TorchDtype.UINT8));
    for (var dtype : TorchDtype.values()) {
      known.put("torch." + dtype.torchName(), dtype);
      if (dtype.storageName() != null) {
        known.put("torch." + dtype.storageName(), new StorageType(dtype));
      }
    }
    return Map.copyOf(known);
  }

  @Override
  public Object find(String module, String name) throws ConversionException {
    Object known = KNOWN.get(module + "." + name);
    if (known == null) {
      throw ConversionException.unsafe(
          "refuses to run `%s.%s` from %s: only weights are read"
              .formatted(module, name, fileName));
    }
    return known;
  }

  /** {@code ("storage", type, key, device, elements)}. */
  @Override
  public Object load(Object persistentId) throws ConversionException {
    var id = new PickleTuple(List.of(persistentId)).item(0, PickleTuple.class);
    long elements = id.item(4, Long.class);
    TorchDtype dtype = id.item(1, StorageType.class).dtype();
    if (!id.item(0, String.class).equals("storage")
        || elements < 0
        || elements > Long.MAX_VALUE / dtype.bytes()) {
      throw ConversionException.corrupt("is damaged: its pickle names a storage that cannot be");
    }
    var storage = new TorchStorage(id.item(2, String.class), elements * dtype.bytes());
    return new TypedStorage(storage, dtype);
  }

  /** A storage together with the type of its elements, which the view inherits. */
  private record TypedStorage(TorchStorage storage, TorchDtype dtype) {}

  private static Object orderedDict(PickleTuple arguments) throws ConversionException {
    Map<Object, Object> dict = new LinkedHashMap<>();
    if (arguments.size() > 0) {
      for (var item : arguments.item(0, List.class)) {
        var pair = new PickleTuple(List.of(item)).item(0, PickleTuple.class);
        dict.put(pair.item(0, String.class), pair.item(1, Object.class));
      }
    }
    return dict;
  }

  /** {@code (storage, offset, shape, stride, requires_grad, backward_hooks[, metadata])}. */
  private static Object tensor(PickleTuple arguments) throws ConversionException {
    return tensor(arguments, arguments.item(0, TypedStorage.class).dtype());
  }

  /** {@code (storage, offset, shape, stride, requires_grad, backward_hooks, dtype[, metadata])}. */
  private static Object untypedTensor(PickleTuple arguments) throws ConversionException {
    return tensor(arguments, arguments.item(6, TorchDtype.class));
  }

  private static TorchTensor tensor(PickleTuple arguments, TorchDtype dtype)
      throws ConversionException {
    var view =
        StridedView.of(
            arguments.item(1, Long.class),
            arguments.item(2, PickleTuple.class).integers(),
            arguments.item(3, PickleTuple.class).integers());
    return TorchTensor.of(arguments.item(0, TypedStorage.class).storage(), dtype, view);
  }
}

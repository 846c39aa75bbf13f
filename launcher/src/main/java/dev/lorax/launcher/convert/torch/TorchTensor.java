package dev.lorax.launcher.convert.torch;

import dev.lorax.launcher.convert.ConversionException;
import java.util.List;

/** A view of a storage, all of it inside. Equal views of one storage are tied weights. */
record TorchTensor(TorchStorage storage, TorchDtype dtype, StridedView view) {

  static TorchTensor of(TorchStorage storage, TorchDtype dtype, StridedView view)
      throws ConversionException {
    long elements = storage.bytes() / dtype.bytes();
    if (view.end() > elements) {
      throw ConversionException.corrupt(
          "is damaged: a tensor of shape %s ends at element %d of a storage of %d"
              .formatted(view.shape(), view.end(), elements));
    }
    return new TorchTensor(storage, dtype, view);
  }

  List<Long> shape() {
    return view.shape();
  }

  long bytes() {
    return view.elements() * dtype.bytes();
  }
}

package dev.lorax.router.adapter;

/** What the shards must be asked to do next. */
public sealed interface AdapterAction {
  Adapter adapter();

  record Download(Adapter adapter) implements AdapterAction {}

  record Load(Adapter adapter) implements AdapterAction {}

  record Offload(Adapter adapter) implements AdapterAction {}
}

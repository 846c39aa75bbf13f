"""The gRPC server: the only part that knows protobuf."""

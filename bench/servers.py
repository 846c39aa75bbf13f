"""Servers as the benchmarks of the operator make them, and what the API server holds of them."""

import copy
from typing import Any

from api_server import Client, Object

_NAME = "demo"
_KINDS = {
    "loraxservers": "/apis/lorax.dev/v1alpha1",
    "deployments": "/apis/apps/v1",
    "services": "/api/v1",
    "persistentvolumeclaims": "/api/v1",
    "poddisruptionbudgets": "/apis/policy/v1",
    "horizontalpodautoscalers": "/apis/autoscaling/v2",
    "resourceclaimtemplates": "/apis/resource.k8s.io/v1",
    "pods": "/api/v1",
}

# Given by the API server anew to each object, or the time of day. The fingerprint of what was
# applied holds the owner's uid and the namespace; were it not of what is seen beside it, the
# operator that started last would have applied the object again.
_OF_THE_MOMENT = {
    "lorax.dev/applied",
    "uid",
    "resourceVersion",
    "creationTimestamp",
    "managedFields",
    "namespace",
    "clusterIP",
    "clusterIPs",
    "lastTransitionTime",
}


def of(name: str = _NAME) -> Object:
    """A server to which everything belongs that can belong to one."""
    return {
        "apiVersion": "lorax.dev/v1alpha1",
        "kind": "LoraxServer",
        "metadata": {"name": name},
        "spec": {
            "model": {"hub": {"id": "org/base"}},
            "replicas": 2,
            "shards": {"deviceClaim": {"deviceClass": {"name": "gpu.example.com"}}},
            "cache": {"newPvc": {"storage": "20Gi", "accessMode": "ReadWriteMany"}},
            "adapters": {"preload": ["org/one", "org/two"]},
            "autoscaling": {"minReplicas": 1, "maxReplicas": 3},
        },
    }


def plain(name: str) -> Object:
    """The smallest server that can be served."""
    return {
        "apiVersion": "lorax.dev/v1alpha1",
        "kind": "LoraxServer",
        "metadata": {"name": name},
        "spec": {"model": {"pvc": {"claimName": "models"}}, "shards": {"device": "cpu"}},
    }


def servers_path(namespace: str) -> str:
    """Where the servers of a namespace are."""
    return f"{_KINDS['loraxservers']}/namespaces/{namespace}/loraxservers"


def server_path(namespace: str, name: str = _NAME) -> str:
    """Where a server is."""
    return object_path(namespace, "loraxservers", name)


def object_path(namespace: str, kind: str, name: str = _NAME) -> str:
    """Where something is that has a server's name."""
    return f"{_KINDS[kind]}/namespaces/{namespace}/{kind}/{name}"


def create(client: Client, namespace: str, server: Object | None = None) -> None:
    """Creates one."""
    client.create(servers_path(namespace), of() if server is None else server)


def snapshot(client: Client, namespace: str) -> Object:
    """Everything in a namespace that belongs to servers, without what differs in any two runs."""
    found = {}
    for kind, group in _KINDS.items():
        listed = client.get(f"{group}/namespaces/{namespace}/{kind}")
        for item in listed["items"]:
            found[f"{kind}/{item['metadata']['name']}"] = _lasting(copy.deepcopy(item), namespace)
    return found


def _lasting(value: Any, namespace: str) -> Any:
    if isinstance(value, dict):
        lasting = {key: part for key, part in value.items() if key not in _OF_THE_MOMENT}
        return {key: _lasting(part, namespace) for key, part in lasting.items()}
    if isinstance(value, list):
        return [_lasting(part, namespace) for part in value]
    # What is made for a server may name its namespace.
    return value.replace(namespace, "NAMESPACE") if isinstance(value, str) else value

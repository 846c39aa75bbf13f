package main

import (
	"context"
	"net/http"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

const instanceLabel = "app.kubernetes.io/instance"

// readiness answers 200 once the cache holds everything.
type readiness struct {
	cache cache.Cache
}

func (r *readiness) ServeHTTP(answer http.ResponseWriter, request *http.Request) {
	ctx, cancel := context.WithTimeout(request.Context(), time.Second)
	defer cancel()
	if !r.cache.WaitForCacheSync(ctx) {
		http.Error(answer, "the cache is not full yet", http.StatusServiceUnavailable)
	}
}

// serverOf names the server of a pod, whose owner is a ReplicaSet.
func serverOf(_ context.Context, pod client.Object) []reconcile.Request {
	name, labelled := pod.GetLabels()[instanceLabel]
	if !labelled {
		return nil
	}
	return []reconcile.Request{{NamespacedName: types.NamespacedName{Namespace: pod.GetNamespace(), Name: name}}}
}

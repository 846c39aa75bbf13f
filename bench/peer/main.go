// Peer is a minimal controller with what most operators in Go are made of: it makes the writes that
// our operator makes for a server, and none where nothing has changed. G9 measures ours against it.
package main

import (
	"encoding/json"
	"flag"
	"net/http"
	"os"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

// As many reconciles at a time as ours does.
const concurrency = 50

func main() {
	file := flag.String("writes", "", "JSON file with the writes for one server")
	address := flag.String("address", "", "where /metrics and /readyz are served")
	flag.Parse()
	ctrl.SetLogger(klog.Background())
	if err := run(*file, *address); err != nil {
		klog.ErrorS(err, "peer ended")
		os.Exit(1)
	}
}

func run(file, address string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	reconciler := &reconciler{}
	if err := json.Unmarshal(text, &reconciler.writes); err != nil {
		return err
	}
	scheme := runtime.NewScheme()
	if err := clientgoscheme.AddToScheme(scheme); err != nil {
		return err
	}
	addToScheme(scheme)
	config, err := ctrl.GetConfig()
	if err != nil {
		return err
	}
	// The API server itself says when it is too much.
	config.QPS = -1
	ready := &readiness{}
	manager, err := ctrl.NewManager(config, ctrl.Options{
		Scheme: scheme,
		Metrics: metricsserver.Options{
			BindAddress:   address,
			ExtraHandlers: map[string]http.Handler{"/readyz": ready},
		},
	})
	if err != nil {
		return err
	}
	reconciler.client = manager.GetClient()
	ready.cache = manager.GetCache()
	err = ctrl.NewControllerManagedBy(manager).
		For(&LoraxServer{}).
		Owns(&appsv1.Deployment{}).
		Owns(&corev1.Service{}).
		Owns(&corev1.PersistentVolumeClaim{}).
		Owns(&policyv1.PodDisruptionBudget{}).
		Owns(&autoscalingv2.HorizontalPodAutoscaler{}).
		Watches(&corev1.Pod{}, handler.EnqueueRequestsFromMapFunc(serverOf)).
		WithOptions(controller.Options{MaxConcurrentReconciles: concurrency}).
		Complete(reconciler)
	if err != nil {
		return err
	}
	return manager.Start(ctrl.SetupSignalHandler())
}

package main

import (
	"context"
	"encoding/json"
	"reflect"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	k8sjson "k8s.io/apimachinery/pkg/util/json"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const fieldManager = "peer"

// writes are the bodies that the measured operator sent for one server, by kind.
type writes struct {
	// Name and UID of that server, as they stand in the bodies.
	Name string `json:"name"`
	UID  string `json:"uid"`

	Deployment json.RawMessage `json:"deployment"`
	Service    json.RawMessage `json:"service"`
	Budget     json.RawMessage `json:"budget"`
	Status     json.RawMessage `json:"status"`
	Event      json.RawMessage `json:"event"`
}

// reconciler makes the same writes for every server, where the cache does not hold them already.
type reconciler struct {
	client client.Client
	writes writes
}

func (r *reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	server := &LoraxServer{}
	if err := r.client.Get(ctx, request.NamespacedName, server); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	dependents := []struct {
		body              json.RawMessage
		wanted, available client.Object
	}{
		{r.writes.Deployment, &appsv1.Deployment{}, &appsv1.Deployment{}},
		{r.writes.Service, &corev1.Service{}, &corev1.Service{}},
		{r.writes.Budget, &policyv1.PodDisruptionBudget{}, &policyv1.PodDisruptionBudget{}},
	}
	for _, dependent := range dependents {
		if err := r.decode(dependent.body, server, dependent.wanted); err != nil {
			return ctrl.Result{}, err
		}
		if err := r.apply(ctx, dependent.wanted, dependent.available); err != nil {
			return ctrl.Result{}, err
		}
	}
	return ctrl.Result{}, r.report(ctx, server)
}

func (r *reconciler) apply(ctx context.Context, wanted, available client.Object) error {
	err := r.client.Get(ctx, client.ObjectKeyFromObject(wanted), available)
	if err == nil && equality.Semantic.DeepDerivative(specOf(wanted), specOf(available)) {
		return nil
	}
	if err != nil && !apierrors.IsNotFound(err) {
		return err
	}
	return r.client.Patch(ctx, wanted, client.Apply, client.FieldOwner(fieldManager), client.ForceOwnership)
}

func (r *reconciler) report(ctx context.Context, server *LoraxServer) error {
	wanted := &LoraxServer{}
	if err := r.decode(r.writes.Status, server, wanted); err != nil {
		return err
	}
	if reflect.DeepEqual(wanted.Status, server.Status) {
		return nil
	}
	err := r.client.Status().Patch(ctx, wanted, client.Apply, client.FieldOwner(fieldManager), client.ForceOwnership)
	if err != nil {
		return err
	}
	event := &eventsv1.Event{}
	if err := r.decode(r.writes.Event, server, event); err != nil {
		return err
	}
	return r.client.Create(ctx, event)
}

func (r *reconciler) decode(body json.RawMessage, server *LoraxServer, into client.Object) error {
	own := strings.NewReplacer(r.writes.Name, server.Name, r.writes.UID, string(server.UID))
	// As the cache decodes: whole numbers stay whole.
	return k8sjson.Unmarshal([]byte(own.Replace(string(body))), into)
}

func specOf(object client.Object) any {
	switch typed := object.(type) {
	case *appsv1.Deployment:
		return typed.Spec
	case *corev1.Service:
		return typed.Spec
	case *policyv1.PodDisruptionBudget:
		return typed.Spec
	}
	return object
}

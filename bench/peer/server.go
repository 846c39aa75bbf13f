package main

import (
	"encoding/json"
	"maps"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var groupVersion = schema.GroupVersion{Group: "lorax.dev", Version: "v1alpha1"}

// LoraxServer is known here as far as a controller must know it that takes the spec as it comes.
type LoraxServer struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   json.RawMessage `json:"spec,omitempty"`
	Status map[string]any  `json:"status,omitempty"`
}

// LoraxServerList is what a watch begins with.
type LoraxServerList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []LoraxServer `json:"items"`
}

// DeepCopyObject copies what the controller may change.
func (s *LoraxServer) DeepCopyObject() runtime.Object {
	return &LoraxServer{
		TypeMeta:   s.TypeMeta,
		ObjectMeta: *s.ObjectMeta.DeepCopy(),
		Spec:       s.Spec,
		Status:     maps.Clone(s.Status),
	}
}

// DeepCopyObject copies the list and shares nothing with it.
func (l *LoraxServerList) DeepCopyObject() runtime.Object {
	copied := &LoraxServerList{TypeMeta: l.TypeMeta, ListMeta: *l.ListMeta.DeepCopy()}
	for i := range l.Items {
		copied.Items = append(copied.Items, *l.Items[i].DeepCopyObject().(*LoraxServer))
	}
	return copied
}

func addToScheme(scheme *runtime.Scheme) {
	scheme.AddKnownTypes(groupVersion, &LoraxServer{}, &LoraxServerList{})
	metav1.AddToGroupVersion(scheme, groupVersion)
}

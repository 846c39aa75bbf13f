package storage

import (
	"fmt"
	"os"
	"path/filepath"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// folders is the parent of all volumes' folders.
type folders string

func (f folders) of(claim types.UID) string { return filepath.Join(string(f), volumeName(claim)) }

func (f folders) make(claim types.UID) (string, error) {
	path := f.of(claim)
	if err := os.MkdirAll(path, 0o755); err != nil {
		return "", err
	}
	// The mode of a fresh folder passes through the umask; a pod of any user must be able to write.
	return path, os.Chmod(path, 0o777)
}

// remove deletes a volume's content. Whoever may write volume objects could name any path of the
// machine in one, so only the path that make chose for the claim is believed.
func (f folders) remove(volume *corev1.PersistentVolume) error {
	claim, local := volume.Spec.ClaimRef, volume.Spec.Local
	if claim == nil || local == nil || filepath.Base(f.of(claim.UID)) != volumeName(claim.UID) ||
		volume.Name != volumeName(claim.UID) || local.Path != f.of(claim.UID) {
		return fmt.Errorf("volume %s does not have the path that it was created with: nothing is removed", volume.Name)
	}
	return os.RemoveAll(local.Path)
}

func volumeName(claim types.UID) string { return "pvc-" + string(claim) }

// volumeFor is a local volume: unlike a hostPath one it honours a pod's fsGroup.
func volumeFor(claim *corev1.PersistentVolumeClaim, path, node string) *corev1.PersistentVolume {
	onNode := corev1.NodeSelectorRequirement{
		Key: corev1.LabelHostname, Operator: corev1.NodeSelectorOpIn, Values: []string{node},
	}
	return &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{
			Name: volumeName(claim.UID), Annotations: map[string]string{provisionedBy: provisionerName},
		},
		Spec: corev1.PersistentVolumeSpec{
			Capacity:                      claim.Spec.Resources.Requests,
			AccessModes:                   claim.Spec.AccessModes,
			VolumeMode:                    claim.Spec.VolumeMode,
			PersistentVolumeReclaimPolicy: corev1.PersistentVolumeReclaimDelete,
			StorageClassName:              *claim.Spec.StorageClassName,
			PersistentVolumeSource:        corev1.PersistentVolumeSource{Local: &corev1.LocalVolumeSource{Path: path}},
			ClaimRef: &corev1.ObjectReference{
				APIVersion: "v1", Kind: "PersistentVolumeClaim",
				Namespace: claim.Namespace, Name: claim.Name, UID: claim.UID,
			},
			NodeAffinity: &corev1.VolumeNodeAffinity{Required: &corev1.NodeSelector{
				NodeSelectorTerms: []corev1.NodeSelectorTerm{{MatchExpressions: []corev1.NodeSelectorRequirement{onNode}}},
			}},
		},
	}
}

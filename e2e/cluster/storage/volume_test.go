package storage

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

func TestAVolumeIsRemovedWithItsContent(t *testing.T) {
	folders := folders(t.TempDir())
	volume := made(t, folders, "1234")

	if err := folders.remove(volume); err != nil {
		t.Fatal(err)
	}

	if _, err := os.Stat(volume.Spec.Local.Path); !os.IsNotExist(err) {
		t.Errorf("the folder is still there: %v", err)
	}
}

func TestAnAlteredVolumeRemovesNothing(t *testing.T) {
	victim := filepath.Join(t.TempDir(), "victim")
	alterations := map[string]func(*corev1.PersistentVolume){
		"other path":        func(v *corev1.PersistentVolume) { v.Spec.Local.Path = victim },
		"path through dots": func(v *corev1.PersistentVolume) { v.Spec.Local.Path += "/../../victim" },
		"claim with dots": func(v *corev1.PersistentVolume) {
			v.Spec.ClaimRef.UID = "/../../victim"
			v.Name = volumeName(v.Spec.ClaimRef.UID)
			v.Spec.Local.Path = victim
		},
		"other name": func(v *corev1.PersistentVolume) { v.Name = "pvc-5678" },
		"no claim":   func(v *corev1.PersistentVolume) { v.Spec.ClaimRef = nil },
		"no path":    func(v *corev1.PersistentVolume) { v.Spec.Local = nil },
	}
	for name, alter := range alterations {
		t.Run(name, func(t *testing.T) {
			folders := folders(filepath.Join(filepath.Dir(victim), "volumes"))
			volume := made(t, folders, "1234")
			if err := os.MkdirAll(victim, 0o755); err != nil {
				t.Fatal(err)
			}
			alter(volume)

			err := folders.remove(volume)

			if err == nil || !strings.Contains(err.Error(), "nothing is removed") {
				t.Errorf("got %v, want a refusal", err)
			}
			for _, path := range []string{victim, folders.of("1234")} {
				if _, err := os.Stat(path); err != nil {
					t.Errorf("%s is gone: %v", path, err)
				}
			}
		})
	}
}

func TestEveryUserCanWriteToAVolume(t *testing.T) {
	path, err := folders(t.TempDir()).make("1234")
	if err != nil {
		t.Fatal(err)
	}

	info, err := os.Stat(path)

	if err != nil || info.Mode().Perm() != 0o777 {
		t.Errorf("got %v, %v; want mode 777", info.Mode(), err)
	}
}

func made(t *testing.T, folders folders, id types.UID) *corev1.PersistentVolume {
	t.Helper()
	path, err := folders.make(id)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(path, "model.gguf"), []byte("weights"), 0o644); err != nil {
		t.Fatal(err)
	}
	class := Class
	claim := &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Namespace: "demo", Name: "models", UID: id},
		Spec:       corev1.PersistentVolumeClaimSpec{StorageClassName: &class},
	}
	return volumeFor(claim, path, "lorax")
}

// Package state is the folder of one cluster: what lies where, who runs it, and its removal.
package state

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Unix socket paths end at 107 bytes; the longest below a folder is containerd.sock.ttrpc.
const longestPath = 107 - len("/containerd.sock.ttrpc")

const marker = "CLUSTER"

// Folder is the absolute path of one cluster's state.
type Folder string

// At names the state folder, which need not exist.
func At(path string) (Folder, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("state folder %q: %w", path, err)
	}
	if len(absolute) > longestPath {
		return "", fmt.Errorf("state folder %s: path of %d bytes is too long for the sockets in it, at most %d",
			absolute, len(absolute), longestPath)
	}
	return Folder(absolute), nil
}

// Path is that of a file or folder inside.
func (f Folder) Path(elements ...string) string {
	return filepath.Join(append([]string{string(f)}, elements...)...)
}

// Make creates the folder and those of its parts that others expect to exist.
func (f Folder) Make() error {
	if err := f.mustBeOurs(); err != nil {
		return err
	}
	for _, name := range []string{"keys", "etcd", "logs", "log/pods", "kubelet", "volumes", "cni", "config"} {
		if err := os.MkdirAll(f.Path(name), 0o755); err != nil {
			return err
		}
	}
	return os.WriteFile(f.Path(marker), []byte("state of a lorax-cluster; lorax-cluster down removes it\n"), 0o644)
}

// mustBeOurs keeps a mistyped path from being filled or, worse, removed.
func (f Folder) mustBeOurs() error {
	entries, err := os.ReadDir(string(f))
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	if _, err := os.Stat(f.Path(marker)); err != nil {
		return fmt.Errorf("%s is not empty and not the state of a cluster (no %s in it); name another folder", f, marker)
	}
	return nil
}

// Kubeconfig is the file with which the machine reaches the cluster as its administrator.
func (f Folder) Kubeconfig() string { return f.Path("kubeconfig") }

// ContainerdSocket is reachable from outside the cluster's namespaces too.
func (f Folder) ContainerdSocket() string { return f.Path("containerd.sock") }

// Cgroup names the parent of the pods' control groups. Two clusters on one machine must not share
// it, for a kubelet ends every pod below it that it does not know.
func (f Folder) Cgroup() string {
	sum := sha256.Sum256([]byte(f))
	return "lorax-" + hex.EncodeToString(sum[:4])
}

// Cache is the folder of what survives a cluster: $XDG_CACHE_HOME/lorax.
func Cache() (string, error) {
	base, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no cache folder: %w", err)
	}
	return filepath.Join(base, "lorax"), nil
}

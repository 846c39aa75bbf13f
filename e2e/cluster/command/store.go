package command

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"lorax.dev/cluster/state"
)

const lockSuffix = ".lock"

// lockStore takes the folder in which images are kept from one cluster to the next. Nil means
// that another cluster has it; containerd's folder cannot be shared.
func lockStore() (*os.File, error) {
	cache, err := state.Cache()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return nil, err
	}
	lock, err := os.OpenFile(filepath.Join(cache, "containerd"+lockSuffix), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, lock.Close()
	}
	return lock, err
}

func storePath(lock *os.File) string { return strings.TrimSuffix(lock.Name(), lockSuffix) }

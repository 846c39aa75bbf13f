package node

import (
	"errors"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// addFolders makes a machine's folder show some more, or their empty namesakes, in this mount
// namespace. Mounting on the machine's own folders would mean to create them there, and nobody
// could tell when they may go again.
func addFolders(parent, aside string, names ...string) error {
	if err := os.MkdirAll(aside, 0o755); err != nil {
		return err
	}
	if err := mount(parent, aside, "", unix.MS_BIND|unix.MS_REC); err != nil {
		return err
	}
	if err := mount("tmpfs", parent, "tmpfs", 0); err != nil {
		return err
	}
	for _, name := range names {
		if err := os.MkdirAll(filepath.Join(parent, name), 0o755); err != nil {
			return err
		}
	}
	entries, err := os.ReadDir(aside)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if err := show(aside, parent, entry); err != nil {
			return err
		}
	}
	return unix.Unmount(aside, unix.MNT_DETACH)
}

// show makes one entry of the machine's folder appear at its old path, unless it was added anew.
func show(aside, parent string, entry os.DirEntry) error {
	source, target := filepath.Join(aside, entry.Name()), filepath.Join(parent, entry.Name())
	if _, err := os.Lstat(target); err == nil {
		return nil
	}
	if entry.Type()&os.ModeSymlink != 0 {
		linked, err := os.Readlink(source)
		return errors.Join(err, os.Symlink(linked, target))
	}
	create := func() error { return os.WriteFile(target, nil, 0o644) }
	if entry.IsDir() {
		create = func() error { return os.Mkdir(target, 0o755) }
	}
	if err := create(); err != nil {
		return err
	}
	return mount(source, target, "", unix.MS_BIND|unix.MS_REC)
}

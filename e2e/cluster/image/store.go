package image

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"time"

	criapi "k8s.io/cri-api/pkg/apis"
	runtimev1 "k8s.io/cri-api/pkg/apis/runtime/v1"
	cri "k8s.io/cri-client/pkg"
)

// Store is the image store of a running containerd.
type Store struct {
	socket string
	images criapi.ImageManagerService
}

// Connect reaches the containerd behind a socket.
func Connect(socket string) (*Store, error) {
	images, err := cri.NewRemoteImageService("unix://"+socket, 30*time.Second, nil, nil)
	if err != nil {
		return nil, fmt.Errorf("containerd at %s: %w", socket, err)
	}
	return &Store{socket: socket, images: images}, nil
}

// ImportAll imports archives one after the other and tells how long each took.
func (s *Store) ImportAll(ctx context.Context, archives []string, progress func(string)) error {
	for _, archive := range archives {
		begin := time.Now()
		imported, err := s.Import(ctx, archive)
		if err != nil {
			return err
		}
		outcome := "present"
		if imported {
			outcome = fmt.Sprintf("%.1f s", time.Since(begin).Seconds())
		}
		progress(fmt.Sprintf("image %s: %s", filepath.Base(archive), outcome))
	}
	return nil
}

// Import puts an archive's images into the store. It returns false when all were there already.
func (s *Store) Import(ctx context.Context, archive string) (bool, error) {
	contents, err := Read(archive)
	if err != nil {
		return false, err
	}
	present, err := s.has(ctx, contents)
	if err != nil || present {
		return false, err
	}
	// ctr streams the file to containerd and unpacks the layers that it does not know.
	command := exec.CommandContext(ctx, "ctr", "--address", s.socket, "--namespace", "k8s.io",
		"images", "import", archive)
	if output, err := command.CombinedOutput(); err != nil {
		return false, fmt.Errorf("import %s: %w: %s", archive, err, output)
	}
	present, err = s.has(ctx, contents)
	if err == nil && !present {
		err = fmt.Errorf("import %s: containerd took the file but does not know %v", archive, contents)
	}
	return true, err
}

func (s *Store) has(ctx context.Context, contents []Content) (bool, error) {
	for _, content := range contents {
		for _, name := range content.Names {
			status, err := s.images.ImageStatus(ctx, &runtimev1.ImageSpec{Image: name}, false)
			if err != nil {
				return false, fmt.Errorf("image %s: %w", name, err)
			}
			if status.Image == nil || status.Image.Id != content.ID {
				return false, nil
			}
		}
	}
	return true, nil
}

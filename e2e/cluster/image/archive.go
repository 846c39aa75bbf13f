// Package image puts image archives into the cluster's containerd.
package image

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
)

// Content is one image in an archive. ID is the digest of its configuration, by which containerd
// knows it too.
type Content struct {
	ID    string
	Names []string
}

// manifest is the entry of docker-archive's manifest.json that matters here.
type manifest struct {
	Config   string
	RepoTags []string
}

// Read lists the images of a docker-archive, as `docker save` and buildah write them.
func Read(archive string) ([]Content, error) {
	file, err := os.Open(archive)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	for entries := tar.NewReader(file); ; {
		entry, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("%s is not a docker-archive: no manifest.json in it", archive)
		}
		if err != nil {
			return nil, fmt.Errorf("%s is not a docker-archive: %w", archive, err)
		}
		if entry.Name == "manifest.json" {
			return contents(archive, entries)
		}
	}
}

func contents(archive string, text io.Reader) ([]Content, error) {
	var manifests []manifest
	if err := json.NewDecoder(text).Decode(&manifests); err != nil {
		return nil, fmt.Errorf("%s: manifest.json: %w", archive, err)
	}
	found := make([]Content, len(manifests))
	for i, m := range manifests {
		// "<hex>.json" of docker save and buildah, "blobs/sha256/<hex>" of newer docker save.
		digest := strings.TrimSuffix(path.Base(m.Config), ".json")
		found[i] = Content{ID: "sha256:" + digest, Names: m.RepoTags}
	}
	return found, nil
}

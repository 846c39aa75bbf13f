package image

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
)

// Pause names the image that holds each pod's namespaces open.
const Pause = "docker.io/lorax/pause:0.1.0"

// WritePause packs a static busybox, asleep, as the pause image.
func WritePause(busybox, archive string) error {
	program, err := os.ReadFile(busybox)
	if err != nil {
		return fmt.Errorf("the pause image is made of busybox (package busybox-static): %w", err)
	}
	layer := pack(file{"busybox", 0o755, program})
	config := mustJSON(map[string]any{
		"architecture": "amd64", "os": "linux",
		"config": map[string]any{"Entrypoint": []string{"/busybox", "sleep", "2147483647"}, "User": "65535:65535"},
		"rootfs": map[string]any{"type": "layers", "diff_ids": []string{"sha256:" + digest(layer)}},
	})
	name := digest(config) + ".json"
	return os.WriteFile(archive, pack(
		file{name, 0o644, config},
		file{"layer.tar", 0o644, layer},
		file{"manifest.json", 0o644, mustJSON([]map[string]any{
			{"Config": name, "RepoTags": []string{Pause}, "Layers": []string{"layer.tar"}},
		})},
	), 0o644)
}

type file struct {
	name    string
	mode    int64
	content []byte
}

func pack(files ...file) []byte {
	var packed bytes.Buffer
	writer := tar.NewWriter(&packed)
	for _, f := range files {
		// Writing to memory cannot fail.
		_ = writer.WriteHeader(&tar.Header{Name: f.name, Mode: f.mode, Size: int64(len(f.content))})
		_, _ = writer.Write(f.content)
	}
	_ = writer.Close()
	return packed.Bytes()
}

func mustJSON(value any) []byte {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // Only maps of strings are given.
	}
	return text
}

func digest(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// Package device advertises accelerators that are not there, so that pods which ask for some can
// be scheduled on a machine without any.
package device

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	api "k8s.io/kubelet/pkg/apis/deviceplugin/v1beta1"
)

// Resource is the name under which NVIDIA's own plugin advertises.
const Resource = "nvidia.com/gpu"

const (
	visible  = "NVIDIA_VISIBLE_DEVICES"
	patience = 30 * time.Second
)

type plugin struct {
	api.UnimplementedDevicePluginServer
	devices []*api.Device
	done    <-chan struct{}
}

// Advertise registers this many devices with the kubelet; none, and it does nothing. It returns
// once the kubelet knows them, and serves until the context ends.
func Advertise(ctx context.Context, count int) error {
	if count == 0 {
		return nil
	}
	// A kubelet that starts empties the folder, so the plugin's socket must come after its own.
	if err := waitForKubelet(ctx); err != nil {
		return err
	}
	path := filepath.Join(api.DevicePluginPath, "lorax.sock")
	listener, err := net.Listen("unix", path)
	if err != nil {
		return fmt.Errorf("device plugin: %w", err)
	}
	server := grpc.NewServer()
	api.RegisterDevicePluginServer(server, newPlugin(count, ctx.Done()))
	go func() { _ = server.Serve(listener) }()
	context.AfterFunc(ctx, server.Stop)
	return register(ctx, filepath.Base(path))
}

func waitForKubelet(ctx context.Context) error {
	for deadline := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		connection, err := net.Dial("unix", api.KubeletSocket)
		if err == nil {
			return connection.Close()
		}
		if ctx.Err() != nil || time.Now().After(deadline) {
			return fmt.Errorf("device plugin: the kubelet does not listen: %w", err)
		}
	}
}

func register(ctx context.Context, endpoint string) error {
	connection, err := grpc.NewClient("unix://"+api.KubeletSocket, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer connection.Close()
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	request := &api.RegisterRequest{Version: api.Version, Endpoint: endpoint, ResourceName: Resource}
	if _, err := api.NewRegistrationClient(connection).Register(limited, request); err != nil {
		return fmt.Errorf("device plugin: register %s: %w", Resource, err)
	}
	return nil
}

func newPlugin(count int, done <-chan struct{}) *plugin {
	devices := make([]*api.Device, count)
	for i := range devices {
		devices[i] = &api.Device{ID: fmt.Sprintf("fake-%d", i), Health: api.Healthy}
	}
	return &plugin{devices: devices, done: done}
}

// GetDevicePluginOptions asks for nothing special.
func (p *plugin) GetDevicePluginOptions(context.Context, *api.Empty) (*api.DevicePluginOptions, error) {
	return &api.DevicePluginOptions{}, nil
}

// ListAndWatch tells the devices once; they never change.
func (p *plugin) ListAndWatch(_ *api.Empty, stream api.DevicePlugin_ListAndWatchServer) error {
	if err := stream.Send(&api.ListAndWatchResponse{Devices: p.devices}); err != nil {
		return err
	}
	select {
	case <-p.done:
	case <-stream.Context().Done():
	}
	return nil
}

// Allocate shows a container its devices in the environment, as NVIDIA's plugin does.
func (p *plugin) Allocate(_ context.Context, request *api.AllocateRequest) (*api.AllocateResponse, error) {
	response := &api.AllocateResponse{}
	for _, container := range request.ContainerRequests {
		ids := strings.Join(container.DevicesIds, ",")
		response.ContainerResponses = append(response.ContainerResponses,
			&api.ContainerAllocateResponse{Envs: map[string]string{visible: ids}})
	}
	return response, nil
}

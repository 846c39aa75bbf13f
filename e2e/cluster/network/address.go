// Package network is the cluster's private network and the one way into it.
package network

import (
	"fmt"
	"net"
	"os"

	"github.com/vishvananda/netlink"
)

// The cluster's addresses. They exist in its own network namespace only.
const (
	// Node is the node's address; the API server and the kubelet refuse a loopback address.
	Node = "172.30.0.1"
	// APIServer is the service through which pods reach the API server.
	APIServer = "10.96.0.1"
	// Services is the range of service addresses.
	Services = "10.96.0.0/16"
	// Pods is the range of pod addresses.
	Pods = "10.244.0.0/16"
	// APIPort is where the API server listens.
	APIPort = 6443
)

// Configure gives the namespace its addresses and routes.
func Configure() error {
	loopback, err := netlink.LinkByName("lo")
	if err != nil {
		return fmt.Errorf("network: %w", err)
	}
	if err := netlink.LinkSetUp(loopback); err != nil {
		return fmt.Errorf("network: lo up: %w", err)
	}
	node, err := netlink.ParseAddr(Node + "/32")
	if err != nil {
		return err
	}
	if err := netlink.AddrAdd(loopback, node); err != nil {
		return fmt.Errorf("network: address %s: %w", Node, err)
	}
	// Translation of service addresses comes after routing, so the node needs a route for them.
	_, services, err := net.ParseCIDR(Services)
	if err != nil {
		return err
	}
	route := netlink.Route{LinkIndex: loopback.Attrs().Index, Dst: services, Src: net.ParseIP(Node)}
	if err := netlink.RouteAdd(&route); err != nil {
		return fmt.Errorf("network: route %s: %w", Services, err)
	}
	return os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0o644)
}

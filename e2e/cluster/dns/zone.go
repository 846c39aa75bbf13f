package dns

import (
	"net/netip"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/labels"
	corelisters "k8s.io/client-go/listers/core/v1"
	discoverylisters "k8s.io/client-go/listers/discovery/v1"
)

const domain = ".svc.cluster.local."

// Endpoints come and go; an answer must not outlive them by much.
const secondsToLive = 5

// zone knows the names below cluster.local. All others do not exist here: the cluster has no way
// out, and a quick "no such name" beats a timeout.
type zone struct {
	services corelisters.ServiceLister
	slices   discoverylisters.EndpointSliceLister
}

// answer is a code and, for an existing name, its addresses.
type answer struct {
	code      dnsmessage.RCode
	addresses []netip.Addr
}

var noSuchName = answer{code: dnsmessage.RCodeNameError}

// answer resolves "[host.]service.namespace.svc.cluster.local." as the specification of
// Kubernetes DNS-based service discovery says, for addresses only.
func (z *zone) answer(question dnsmessage.Question) answer {
	name, inside := strings.CutSuffix(strings.ToLower(question.Name.String()), domain)
	labels := strings.Split(name, ".")
	if !inside || len(labels) < 2 || len(labels) > 3 {
		return noSuchName
	}
	host := strings.Join(labels[:len(labels)-2], "")
	service, err := z.services.Services(labels[len(labels)-1]).Get(labels[len(labels)-2])
	if err != nil {
		return noSuchName
	}
	found := z.addresses(service, host)
	if host != "" && len(found) == 0 {
		return noSuchName
	}
	if question.Type != dnsmessage.TypeA {
		found = nil // The name exists, with no record of this type.
	}
	return answer{addresses: found}
}

func (z *zone) addresses(service *corev1.Service, host string) []netip.Addr {
	if service.Spec.ClusterIP != corev1.ClusterIPNone {
		if address, err := netip.ParseAddr(service.Spec.ClusterIP); err == nil && host == "" {
			return []netip.Addr{address}
		}
		return nil
	}
	selector := labels.SelectorFromSet(labels.Set{discoveryv1.LabelServiceName: service.Name})
	slices, err := z.slices.EndpointSlices(service.Namespace).List(selector)
	if err != nil {
		return nil // A lister over memory fails only for a broken selector.
	}
	var found []netip.Addr
	for _, slice := range slices {
		for _, endpoint := range slice.Endpoints {
			found = append(found, endpointAddresses(endpoint, host)...)
		}
	}
	return found
}

// endpointAddresses are those of an endpoint that is ready (the service's publishNotReadyAddresses
// is already in that condition) and, when a host is asked for, has that name.
func endpointAddresses(endpoint discoveryv1.Endpoint, host string) []netip.Addr {
	ready := endpoint.Conditions.Ready == nil || *endpoint.Conditions.Ready
	named := host == "" || endpoint.Hostname != nil && *endpoint.Hostname == host
	if !ready || !named {
		return nil
	}
	var found []netip.Addr
	for _, text := range endpoint.Addresses {
		if address, err := netip.ParseAddr(text); err == nil && address.Is4() {
			found = append(found, address)
		}
	}
	return found
}

func (a answer) records(question dnsmessage.Question) []dnsmessage.Resource {
	records := make([]dnsmessage.Resource, len(a.addresses))
	for i, address := range a.addresses {
		records[i] = dnsmessage.Resource{
			Header: dnsmessage.ResourceHeader{Name: question.Name, Class: question.Class, TTL: secondsToLive},
			Body:   &dnsmessage.AResource{A: address.As4()},
		}
	}
	return records
}

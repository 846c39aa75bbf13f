package dns

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corelisters "k8s.io/client-go/listers/core/v1"
	discoverylisters "k8s.io/client-go/listers/discovery/v1"
	"k8s.io/client-go/tools/cache"
)

func TestNames(t *testing.T) {
	zone := sample(t)
	cases := []struct {
		name      string
		kind      dnsmessage.Type
		code      dnsmessage.RCode
		addresses []string
	}{
		{"router.demo.svc.cluster.local.", dnsmessage.TypeA, dnsmessage.RCodeSuccess, []string{"10.96.0.7"}},
		{"Router.Demo.svc.cluster.LOCAL.", dnsmessage.TypeA, dnsmessage.RCodeSuccess, []string{"10.96.0.7"}},
		{"router.demo.svc.cluster.local.", dnsmessage.TypeAAAA, dnsmessage.RCodeSuccess, nil},
		{"router.other.svc.cluster.local.", dnsmessage.TypeA, dnsmessage.RCodeNameError, nil},
		{"pod-0.router.demo.svc.cluster.local.", dnsmessage.TypeA, dnsmessage.RCodeNameError, nil},
		{"pods.demo.svc.cluster.local.", dnsmessage.TypeA, dnsmessage.RCodeSuccess, []string{"10.244.0.2"}},
		{"pod-0.pods.demo.svc.cluster.local.", dnsmessage.TypeA, dnsmessage.RCodeSuccess, []string{"10.244.0.2"}},
		{"pod-1.pods.demo.svc.cluster.local.", dnsmessage.TypeA, dnsmessage.RCodeNameError, nil},
		{"huggingface.co.", dnsmessage.TypeA, dnsmessage.RCodeNameError, nil},
		{"huggingface.co.demo.svc.cluster.local.", dnsmessage.TypeA, dnsmessage.RCodeNameError, nil},
	}
	for _, c := range cases {
		got := zone.answer(dnsmessage.Question{Name: dnsmessage.MustNewName(c.name), Type: c.kind})

		if got.code != c.code || !slices.Equal(texts(got.addresses), c.addresses) {
			t.Errorf("%s %s: got %s %v, want %s %v", c.name, c.kind, got.code, got.addresses, c.code, c.addresses)
		}
	}
}

func TestAReplyCarriesTheQuestionAndTheAddress(t *testing.T) {
	packed := question(t, "router.demo.svc.cluster.local.")

	reply := unpack(t, sample(t), packed, datagram)

	address, isAddress := reply.Answers[0].Body.(*dnsmessage.AResource)
	if reply.ID != 42 || !reply.Response || !isAddress || address.A != [4]byte{10, 96, 0, 7} {
		t.Errorf("got %+v", reply)
	}
}

func TestAReplyTooLongForADatagramSaysSo(t *testing.T) {
	zone := sample(t)
	endpoints := make([]discoveryv1.Endpoint, 200)
	for i := range endpoints {
		endpoints[i] = endpoint(fmt.Sprintf("pod-%d", i+10), fmt.Sprintf("10.244.1.%d", i), true)
	}
	zone.slices = sliceLister(t, endpoints...)
	packed := question(t, "pods.demo.svc.cluster.local.")

	short, long := unpack(t, zone, packed, datagram), unpack(t, zone, packed, 0xffff)

	if !short.Truncated || len(short.Answers) != 0 {
		t.Errorf("datagram: truncated %t with %d answers, want true with 0", short.Truncated, len(short.Answers))
	}
	if long.Truncated || len(long.Answers) != 200 {
		t.Errorf("stream: truncated %t with %d answers, want false with 200", long.Truncated, len(long.Answers))
	}
}

func sample(t *testing.T) *zone {
	t.Helper()
	services := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{})
	add(t, services, &corev1.Service{ObjectMeta: in("demo", "router"), Spec: corev1.ServiceSpec{ClusterIP: "10.96.0.7"}})
	add(t, services, &corev1.Service{ObjectMeta: in("demo", "pods"), Spec: corev1.ServiceSpec{ClusterIP: corev1.ClusterIPNone}})
	return &zone{
		services: corelisters.NewServiceLister(services),
		slices:   sliceLister(t, endpoint("pod-0", "10.244.0.2", true), endpoint("pod-1", "10.244.0.3", false)),
	}
}

func sliceLister(t *testing.T, endpoints ...discoveryv1.Endpoint) discoverylisters.EndpointSliceLister {
	t.Helper()
	slices := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{
		cache.NamespaceIndex: cache.MetaNamespaceIndexFunc,
	})
	meta := in("demo", "pods-1")
	meta.Labels = map[string]string{discoveryv1.LabelServiceName: "pods"}
	add(t, slices, &discoveryv1.EndpointSlice{ObjectMeta: meta, Endpoints: endpoints})
	return discoverylisters.NewEndpointSliceLister(slices)
}

func endpoint(host, address string, ready bool) discoveryv1.Endpoint {
	return discoveryv1.Endpoint{
		Addresses: []string{address}, Hostname: &host, Conditions: discoveryv1.EndpointConditions{Ready: &ready},
	}
}

func add(t *testing.T, indexer cache.Indexer, object any) {
	t.Helper()
	if err := indexer.Add(object); err != nil {
		t.Fatal(err)
	}
}

func in(namespace, name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: namespace, Name: name}
}

func question(t *testing.T, name string) []byte {
	t.Helper()
	message := dnsmessage.Message{
		Header: dnsmessage.Header{ID: 42},
		Questions: []dnsmessage.Question{
			{Name: dnsmessage.MustNewName(name), Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET},
		},
	}
	packed, err := message.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return packed
}

func unpack(t *testing.T, zone *zone, packed []byte, limit int) dnsmessage.Message {
	t.Helper()
	text, err := zone.reply(packed, limit)
	if err != nil {
		t.Fatal(err)
	}
	var reply dnsmessage.Message
	if err := reply.Unpack(text); err != nil {
		t.Fatal(err)
	}
	return reply
}

func texts(addresses []netip.Addr) []string {
	var texts []string
	for _, address := range addresses {
		texts = append(texts, address.String())
	}
	return texts
}

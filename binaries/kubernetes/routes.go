package main

import (
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/vishvananda/netlink"
	v1 "k8s.io/api/core/v1"
	discovery "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	core "k8s.io/client-go/listers/core/v1"
	slicelister "k8s.io/client-go/listers/discovery/v1"
	"k8s.io/klog/v2"
)

// ours marks the routes that are kept here among the machine's.
const ours = netlink.RouteProtocol(77)

// router does for Services whose externalTrafficPolicy is Local what a cloud's load balancer does by asking every node for its health: the
// address of each is routed through the nodes on which a ready pod of it runs, and through no other, which would drop what arrives.
type router struct {
	pool      netip.Prefix
	services  core.ServiceLister
	nodes     core.NodeLister
	endpoints slicelister.EndpointSliceLister
}

func keepRoutes(client kubernetes.Interface, pool netip.Prefix, stop <-chan struct{}) {
	factory := informers.NewSharedInformerFactory(client, 0)
	all, endpoints := factory.Core().V1(), factory.Discovery().V1().EndpointSlices()
	r := &router{pool, all.Services().Lister(), all.Nodes().Lister(), endpoints.Lister()}
	factory.Start(stop)
	factory.WaitForCacheSync(stop)
	wait.Until(func() {
		if err := r.set(r.wanted()); err != nil {
			klog.ErrorS(err, "routes to load balancers")
		}
	}, time.Second, stop)
}

// wanted are the addresses that have a route of their own, with the nodes that it goes through.
func (r *router) wanted() map[netip.Addr][]string {
	wanted := map[netip.Addr][]string{}
	services, _ := r.services.List(labels.Everything())
	for _, service := range services {
		if service.Spec.Type != v1.ServiceTypeLoadBalancer || service.Spec.ExternalTrafficPolicy != v1.ServiceExternalTrafficPolicyLocal {
			continue
		}
		hops := r.hops(service)
		for _, ingress := range service.Status.LoadBalancer.Ingress {
			if address, err := netip.ParseAddr(ingress.IP); err == nil && r.pool.Contains(address) && len(hops) > 0 {
				wanted[address] = hops
			}
		}
	}
	return wanted
}

func (r *router) hops(service *v1.Service) []string {
	found, _ := r.endpoints.EndpointSlices(service.Namespace).List(labels.Set{discovery.LabelServiceName: service.Name}.AsSelector())
	hops := sets.New[string]()
	for _, slice := range found {
		for _, endpoint := range slice.Endpoints {
			if endpoint.NodeName == nil || endpoint.Conditions.Ready == nil || !*endpoint.Conditions.Ready {
				continue
			}
			if node, err := r.nodes.Get(*endpoint.NodeName); err == nil {
				hops.Insert(addressOf(node))
			}
		}
	}
	return sets.List(hops.Delete(""))
}

func addressOf(node *v1.Node) string {
	for _, address := range node.Status.Addresses {
		if address.Type == v1.NodeInternalIP {
			return address.Address
		}
	}
	return ""
}

// set makes this machine's routes what is wanted.
func (r *router) set(wanted map[netip.Addr][]string) error {
	there, err := netlink.RouteListFiltered(netlink.FAMILY_V4, &netlink.Route{Protocol: ours}, netlink.RT_FILTER_PROTOCOL)
	if err != nil {
		return err
	}
	for _, route := range there {
		address, ok := netip.AddrFromSlice(route.Dst.IP.To4())
		switch {
		case !ok || !r.pool.Contains(address): // another cluster's
		case len(wanted[address]) == 0:
			if err := netlink.RouteDel(&route); err != nil {
				return err
			}
		case slices.Equal(hopsOf(route), wanted[address]):
			delete(wanted, address)
		}
	}
	for address, hops := range wanted {
		whole := &net.IPNet{IP: address.AsSlice(), Mask: net.CIDRMask(32, 32)}
		route := &netlink.Route{Dst: whole, Protocol: ours}
		for _, hop := range hops {
			route.MultiPath = append(route.MultiPath, &netlink.NexthopInfo{Gw: net.ParseIP(hop)})
		}
		if err := netlink.RouteReplace(route); err != nil {
			return err
		}
	}
	return nil
}

func hopsOf(route netlink.Route) []string {
	hops := []string{}
	for _, hop := range route.MultiPath {
		hops = append(hops, hop.Gw.String())
	}
	if len(hops) == 0 {
		hops = append(hops, route.Gw.String())
	}
	slices.Sort(hops)
	return hops
}

package main

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/spf13/cobra"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	cloudprovider "k8s.io/cloud-provider"
	"k8s.io/cloud-provider/app"
	"k8s.io/cloud-provider/app/config"
	"k8s.io/cloud-provider/names"
	"k8s.io/cloud-provider/options"
	cliflag "k8s.io/component-base/cli/flag"
)

// cloud is what a cloud is to Kubernetes' own Service controller: it gives Services of type LoadBalancer an address of a range. The machine
// has a route to that range through every node, where kube-proxy takes over; so nothing has to announce the addresses. Those of Services that
// keep the client's address (externalTrafficPolicy: Local) have a route of their own (routes.go).
type cloud struct {
	client kubernetes.Interface
	pool   netip.Prefix
	routes bool
}

func newCloudControllerManager() *cobra.Command {
	opts, err := options.NewCloudControllerManagerOptions()
	if err != nil {
		panic(err)
	}
	provider := &cloud{}
	flags := cliflag.NamedFlagSets{}
	flags.FlagSet("local").BoolVar(&provider.routes, "load-balancer-routes", false,
		"keep routes of this machine to Services of type LoadBalancer whose externalTrafficPolicy is Local")
	flags.FlagSet("local").Func("load-balancer-cidr", "range of the addresses that Services of type LoadBalancer get", func(text string) (err error) {
		provider.pool, err = netip.ParsePrefix(text)
		return err
	})
	initializers := map[string]app.ControllerInitFuncConstructor{names.ServiceLBController: app.DefaultInitFuncConstructors[names.ServiceLBController]}
	initialize := func(*config.CompletedConfig) cloudprovider.Interface { return provider }
	return app.NewCloudControllerManagerCommand(opts, initialize, initializers, names.CCMControllerAliases(), flags, wait.NeverStop)
}

func (c *cloud) Initialize(builder cloudprovider.ControllerClientBuilder, stop <-chan struct{}) {
	c.client = builder.ClientOrDie("service-controller")
	if c.routes {
		go keepRoutes(c.client, c.pool, stop)
	}
}
func (c *cloud) LoadBalancer() (cloudprovider.LoadBalancer, bool) { return c, true }
func (c *cloud) Instances() (cloudprovider.Instances, bool)       { return nil, false }
func (c *cloud) InstancesV2() (cloudprovider.InstancesV2, bool)   { return nil, false }
func (c *cloud) Zones() (cloudprovider.Zones, bool)               { return nil, false }
func (c *cloud) Clusters() (cloudprovider.Clusters, bool)         { return nil, false }
func (c *cloud) Routes() (cloudprovider.Routes, bool)             { return nil, false }
func (c *cloud) ProviderName() string                             { return "vcci-local" }
func (c *cloud) HasClusterID() bool                               { return true }

func (c *cloud) GetLoadBalancerName(_ context.Context, _ string, service *v1.Service) string {
	return service.Namespace + "/" + service.Name
}

func (c *cloud) GetLoadBalancer(_ context.Context, _ string, service *v1.Service) (*v1.LoadBalancerStatus, bool, error) {
	return &service.Status.LoadBalancer, len(service.Status.LoadBalancer.Ingress) > 0, nil
}

// EnsureLoadBalancer keeps the address that a Service has, and else gives the lowest that none has. The Service controller calls it for one
// Service at a time (--concurrent-service-syncs=1), so no address is given twice.
func (c *cloud) EnsureLoadBalancer(ctx context.Context, _ string, service *v1.Service, _ []*v1.Node) (*v1.LoadBalancerStatus, error) {
	if len(service.Status.LoadBalancer.Ingress) > 0 {
		return &service.Status.LoadBalancer, nil
	}
	services, err := c.client.CoreV1().Services("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	taken := map[string]bool{}
	for _, other := range services.Items {
		for _, ingress := range other.Status.LoadBalancer.Ingress {
			taken[ingress.IP] = true
		}
	}
	// The first addresses of the range stay free, as the network's own.
	address := c.pool.Masked().Addr()
	for range 10 {
		address = address.Next()
	}
	for ; c.pool.Contains(address.Next()); address = address.Next() {
		if !taken[address.String()] {
			mode := v1.LoadBalancerIPModeVIP
			return &v1.LoadBalancerStatus{Ingress: []v1.LoadBalancerIngress{{IP: address.String(), IPMode: &mode}}}, nil
		}
	}
	return nil, fmt.Errorf("no address of %s is free", c.pool)
}

func (c *cloud) UpdateLoadBalancer(context.Context, string, *v1.Service, []*v1.Node) error {
	return nil
}

func (c *cloud) EnsureLoadBalancerDeleted(context.Context, string, *v1.Service) error { return nil }

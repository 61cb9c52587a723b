package tenants

import (
	"net/netip"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/plugin"
	"github.com/miekg/dns"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

func init() { plugin.Register("tenants", setup) }

func setup(c *caddy.Controller) error {
	t, err := parse(c)
	if err != nil {
		return plugin.Error("tenants", err)
	}
	config, err := rest.InClusterConfig()
	if err != nil {
		return plugin.Error("tenants", err)
	}
	config.UserAgent = "coredns-tenants"
	config.ContentType = "application/vnd.kubernetes.protobuf"
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return plugin.Error("tenants", err)
	}
	watched, stop := newCluster(client), make(chan struct{})
	t.source = watched
	c.OnStartup(func() error { watched.run(stop); return nil })
	c.OnShutdown(func() error { close(stop); return nil })
	dnsserver.GetConfig(c).AddPlugin(func(next plugin.Handler) plugin.Handler {
		t.next = next
		return t
	})
	return nil
}

func parse(c *caddy.Controller) (*tenants, error) {
	t := &tenants{domain: "cluster.local.", waiters: make(chan struct{}, waiting)}
	shared := []string{}
	for c.Next() {
		for _, text := range c.RemainingArgs() {
			network, err := netip.ParsePrefix(text)
			if err != nil {
				return nil, err
			}
			t.pods = append(t.pods, network)
		}
		for c.NextBlock() {
			key, values := c.Val(), c.RemainingArgs()
			switch {
			case key == "domain" && len(values) == 1:
				t.domain = dns.CanonicalName(values[0])
			case key == "shared" && len(values) > 0:
				shared = append(shared, values...)
			default:
				return nil, c.ArgErr()
			}
		}
	}
	if len(t.pods) == 0 {
		return nil, c.Err("name the networks of the pods")
	}
	for _, service := range shared {
		t.shared = append(t.shared, dns.CanonicalName(service+".svc."+t.domain))
	}
	return t, nil
}

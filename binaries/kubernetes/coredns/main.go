// CoreDNS with the plugins that a cluster's DNS uses and no others: it builds in a third of the time of the full set.
package main

import (
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/coremain"
	_ "github.com/coredns/coredns/plugin/cache"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/forward"
	_ "github.com/coredns/coredns/plugin/health"
	_ "github.com/coredns/coredns/plugin/hosts"
	_ "github.com/coredns/coredns/plugin/kubernetes"
	_ "github.com/coredns/coredns/plugin/loadbalance"
	_ "github.com/coredns/coredns/plugin/log"
	_ "github.com/coredns/coredns/plugin/loop"
	_ "github.com/coredns/coredns/plugin/metrics"
	_ "github.com/coredns/coredns/plugin/ready"
	_ "github.com/coredns/coredns/plugin/reload"
	_ "github.com/coredns/coredns/plugin/template"

	_ "greenlang.io/vcci/binaries/kubernetes/coredns/tenants"
)

func init() {
	// The order in which a query passes through the plugins, as in upstream's plugin.cfg; but template answers what kubernetes does not.
	dnsserver.Directives = []string{
		"reload", "ready", "health", "prometheus", "errors", "log", "tenants", "cache", "loadbalance", "hosts", "kubernetes", "template", "loop",
		"forward",
	}
}

func main() { coremain.Run() }

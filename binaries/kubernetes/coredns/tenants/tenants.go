// Package tenants is a plugin of CoreDNS that keeps tenants from seeing each other by name.
//
// A pod in a tenant's namespace gets answers for its own namespace and for a few Services that are everybody's; every other name of the
// cluster's domain and its reverse zones does not exist for it, and names outside do only where the tenant declares egress. All other
// clients are left alone.
//
//	tenants CIDR... {
//	    domain DOMAIN       the cluster's domain; cluster.local without it
//	    shared SERVICE...   Services that every tenant may find, as name.namespace
//	}
//
// CIDR are the networks of the cluster's pods. Whose a pod is says the API server; of a pod so new that its address is not known there yet,
// the question waits. What upstream's plugin kubernetes tells of clients is not enough: it forgets a pod that is being deleted, which may
// go on asking for as long as its grace lasts, and a filter by it (plugin view) needs a watch of all pods, Services and endpoints again.
package tenants

import (
	"context"
	"net/netip"
	"strings"
	"time"

	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/pkg/nonwriter"
	"github.com/coredns/coredns/request"
	"github.com/miekg/dns"
)

const (
	// Prefix of the names of tenants' namespaces.
	prefix = "vcci-tenant-"
	// The node tells a new pod's address about a second after the pod has begun to run.
	patience, look = 3 * time.Second, 20 * time.Millisecond
	// So many questions wait at once; each is a few kB, and who floods is not to take the server's memory.
	waiting = 500
)

// source tells whose a pod's address is, and whether a namespace's tenant declares egress.
type source interface {
	// namespaceOf is empty for an address that no pod has, or pods of two namespaces.
	namespaceOf(address string) string
	hasEgress(namespace string) bool
	ready() bool
}

type tenants struct {
	next    plugin.Handler
	pods    []netip.Prefix
	domain  string
	shared  []string // names, with the domain
	source  source
	waiters chan struct{}
}

func (t *tenants) Name() string { return "tenants" }

// Ready is asked by plugin ready.
func (t *tenants) Ready() bool { return t.source.ready() }

func (t *tenants) ServeDNS(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	state := request.Request{W: w, Req: r}
	if !t.isPod(state.IP()) {
		return plugin.NextOrFailure(t.Name(), t.next, ctx, w, r)
	}
	namespace := t.namespaceOf(ctx, state.IP())
	switch {
	case namespace == "":
		return dns.RcodeServerFailure, nil
	case !strings.HasPrefix(namespace, prefix) || t.isOpen(state.Name(), namespace):
		return plugin.NextOrFailure(t.Name(), t.next, ctx, w, r)
	case isReverse(state.Name()):
		return t.serveReverse(ctx, w, r, namespace)
	}
	return notThere(w, r)
}

func (t *tenants) isPod(address string) bool {
	client, err := netip.ParseAddr(address)
	if err != nil {
		return false
	}
	for _, network := range t.pods {
		if network.Contains(client.Unmap()) {
			return true
		}
	}
	return false
}

// namespaceOf waits for an address that is not known yet; empty when it stays so.
func (t *tenants) namespaceOf(ctx context.Context, address string) string {
	if namespace := t.source.namespaceOf(address); namespace != "" {
		return namespace
	}
	select {
	case t.waiters <- struct{}{}:
		defer func() { <-t.waiters }()
	default:
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	ticker := time.NewTicker(look)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return ""
		case <-ticker.C:
			if namespace := t.source.namespaceOf(address); namespace != "" {
				return namespace
			}
		}
	}
}

// isOpen is whether a tenant may ask for a name that is not one of the reverse zones.
func (t *tenants) isOpen(name, namespace string) bool {
	if isReverse(name) {
		return false
	}
	if !dns.IsSubDomain(t.domain, name) {
		return t.source.hasEgress(namespace)
	}
	return t.isOwn(name, namespace)
}

// isOwn is whether a name of the cluster's domain is the tenant's, or everybody's.
func (t *tenants) isOwn(name, namespace string) bool {
	for _, kind := range []string{"svc.", "pod."} {
		if dns.IsSubDomain(namespace+"."+kind+t.domain, name) {
			return true
		}
	}
	for _, service := range t.shared {
		if dns.IsSubDomain(service, name) {
			return true
		}
	}
	return false
}

// serveReverse answers with names of the tenant's own only.
func (t *tenants) serveReverse(ctx context.Context, w dns.ResponseWriter, r *dns.Msg, namespace string) (int, error) {
	kept := nonwriter.New(w)
	code, err := plugin.NextOrFailure(t.Name(), t.next, ctx, kept, r)
	if err != nil || kept.Msg == nil || len(kept.Msg.Answer) == 0 {
		return notThere(w, r)
	}
	for _, answer := range kept.Msg.Answer {
		pointer, ok := answer.(*dns.PTR)
		if !ok || !t.isOwn(strings.ToLower(pointer.Ptr), namespace) {
			return notThere(w, r)
		}
	}
	return code, w.WriteMsg(kept.Msg)
}

func isReverse(name string) bool {
	return dns.IsSubDomain("in-addr.arpa.", name) || dns.IsSubDomain("ip6.arpa.", name)
}

func notThere(w dns.ResponseWriter, r *dns.Msg) (int, error) {
	answer := new(dns.Msg)
	answer.SetRcode(r, dns.RcodeNameError)
	answer.Authoritative = true
	return dns.RcodeNameError, w.WriteMsg(answer)
}

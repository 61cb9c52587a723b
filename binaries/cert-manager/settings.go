// Copyright (c) 2026 GreenLang. All rights reserved.

package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cert-manager/cert-manager/internal/apis/config/shared"
	"github.com/cert-manager/cert-manager/pkg/apis/certmanager"
	"github.com/cert-manager/cert-manager/pkg/controller"
	dns "github.com/cert-manager/cert-manager/pkg/issuer/acme/dns/util"
	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/api/resource"
	cliflag "k8s.io/component-base/cli/flag"
)

// Upstream's defaults, as those below.
const (
	workers       = 5                // of each controller
	leaderTimeout = 20 * time.Second // how long after a lost Lease /livez still answers
)

// settings are what the controller's flags say.
type settings struct {
	options         controller.ContextOptions
	election        shared.LeaderElectionConfig
	metrics, health string
	names           []string // -name: all controllers but this one
	onlyThese       bool     // servers of DNS-01
}

func newSettings(flags *pflag.FlagSet) *settings {
	made := &settings{options: defaults(), metrics: "0.0.0.0:9402", health: "0.0.0.0:9403", names: []string{"*"}}
	made.election = shared.LeaderElectionConfig{
		Enabled: true, Namespace: "kube-system",
		LeaseDuration: time.Minute, RenewDeadline: 40 * time.Second, RetryPeriod: 15 * time.Second,
	}
	addElection(flags, &made.election)
	text := func(to *string, name, help string) { flags.StringVar(to, name, *to, help) }
	texts := func(to *[]string, name, help string) { flags.StringSliceVar(to, name, *to, help) }
	whether := func(to *bool, name, help string) { flags.BoolVar(to, name, *to, help) }

	to, acme, shim := &made.options, &made.options.ACMEOptions, &made.options.IngressShimOptions
	text(&to.Kubeconfig, "kubeconfig", "how to reach the API server; by default as a pod does")
	text(&made.metrics, "metrics-listen-address", "address of the metrics")
	text(&made.health, "internal-healthz-listen-address", "address of /livez")
	texts(&made.names, "controllers", "-name,...: all but these")
	text(&to.ClusterResourceNamespace, "cluster-resource-namespace", "where the Secrets of ClusterIssuers are")
	whether(&to.EnableOwnerRef, "enable-certificate-owner-ref", "remove a Certificate's Secret with it")
	whether(&to.EnableGatewayAPI, "enable-gateway-api", "serve Gateways")
	flags.IntVar(&to.MaxConcurrentChallenges, "max-concurrent-challenges", to.MaxConcurrentChallenges, "of ACME, at once")
	text(&shim.DefaultIssuerName, "default-issuer-name", "issuer of an Ingress that names none")
	text(&shim.DefaultIssuerKind, "default-issuer-kind", "its kind")
	text(&shim.DefaultIssuerGroup, "default-issuer-group", "its API group")
	text(&acme.HTTP01SolverImage, "acme-http01-solver-image", "image of the pods that answer HTTP-01")
	text(&acme.HTTP01SolverRuntimeClassName, "acme-http01-solver-runtime-class-name", "their runtime class")
	labels := cliflag.NewMapStringString(&acme.HTTP01SolverExtraLabels)
	flags.Var(labels, "acme-http01-solver-extra-labels", "labels of what HTTP-01 needs, key=value")
	texts(&acme.DNS01Nameservers, "dns01-recursive-nameservers", "asked about DNS-01: host:port or https://...")
	whether(&made.onlyThese, "dns01-recursive-nameservers-only", "ask no other server")
	return made
}

func defaults() controller.ContextOptions {
	return controller.ContextOptions{
		KubernetesAPIQPS:   20,
		KubernetesAPIBurst: 50,
		ACMEOptions: controller.ACMEOptions{
			HTTP01SolverResourceRequestCPU:    resource.MustParse("10m"),
			HTTP01SolverResourceRequestMemory: resource.MustParse("64Mi"),
			HTTP01SolverResourceLimitsCPU:     resource.MustParse("100m"),
			HTTP01SolverResourceLimitsMemory:  resource.MustParse("64Mi"),
			ACMEHTTP01SolverRunAsNonRoot:      true,
			DNS01Nameservers:                  dns.RecursiveNameservers,
			DNS01CheckRetryPeriod:             10 * time.Second,
		},
		SchedulerOptions: controller.SchedulerOptions{MaxConcurrentChallenges: 60},
		IssuerOptions: controller.IssuerOptions{
			ClusterIssuerAmbientCredentials: true,
			ClusterResourceNamespace:        "kube-system",
		},
		IngressShimOptions: controller.IngressShimOptions{
			DefaultIssuerKind:                 "Issuer",
			DefaultIssuerGroup:                certmanager.GroupName,
			DefaultAutoCertificateAnnotations: []string{"kubernetes.io/tls-acme"},
		},
		CertificateOptions: controller.CertificateOptions{
			// All but what tools that apply objects write.
			CopiedAnnotationPrefixes: []string{
				"*", "-kubectl.kubernetes.io/", "-fluxcd.io/", "-argocd.argoproj.io/",
			},
			CertificateRequestMinimumBackoffDuration: time.Hour,
			CertificateRequestMaximumBackoffDuration: 32 * time.Hour,
		},
	}
}

// runs says whether a controller is to run.
func (made *settings) runs(name string) bool { return !slices.Contains(made.names, "-"+name) }

// finish takes over what the options say in other words, and refuses names of controllers that are not to be left out.
func (made *settings) finish() error {
	made.options.DNS01CheckAuthoritative = !made.onlyThese
	for _, name := range made.names {
		_, known := controller.Known()[strings.TrimPrefix(name, "-")]
		if name != "*" && !(known && strings.HasPrefix(name, "-")) {
			return fmt.Errorf("--controllers: %q; write -<name> of a controller that is not to run", name)
		}
	}
	return nil
}

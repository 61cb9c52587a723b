// Copyright (c) 2026 GreenLang. All rights reserved.

package main

import (
	"context"
	"fmt"
	"time"

	config "github.com/cert-manager/cert-manager/internal/apis/config/cainjector"
	"github.com/cert-manager/cert-manager/internal/apis/config/cainjector/scheme"
	"github.com/cert-manager/cert-manager/internal/apis/config/cainjector/validation"
	_ "github.com/cert-manager/cert-manager/internal/cainjector/feature"
	"github.com/cert-manager/cert-manager/internal/kube"
	versioned "github.com/cert-manager/cert-manager/pkg/apis/config/cainjector/v1alpha1"
	certmanager "github.com/cert-manager/cert-manager/pkg/client/clientset/versioned/scheme"
	"github.com/cert-manager/cert-manager/pkg/controller/cainjector"
	"github.com/cert-manager/cert-manager/pkg/util"
	"github.com/spf13/pflag"
	core "k8s.io/api/core/v1"
	extensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	kubernetes "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	registration "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

// newCAInjector writes authorities into the configurations of webhooks, API services and conversions that ask for them.
func newCAInjector(flags *pflag.FlagSet) func(context.Context) error {
	known, _, err := scheme.NewSchemeAndCodecs()
	utilruntime.Must(err)
	defaults, made := &versioned.CAInjectorConfiguration{}, &config.CAInjectorConfiguration{}
	known.Default(defaults)
	utilruntime.Must(known.Convert(defaults, made, nil))
	addElection(flags, &made.LeaderElectionConfig)
	text := func(to *string, name, help string) { flags.StringVar(to, name, *to, help) }
	text(&made.KubeConfig, "kubeconfig", "how to reach the API server; by default as a pod does")
	text(&made.Namespace, "namespace", "the one namespace whose Certificates and Secrets count")
	text(&made.MetricsListenAddress, "metrics-listen-address", "address of the metrics; 0: none")
	return func(ctx context.Context) error {
		if found := validation.ValidateCAInjectorConfiguration(made, nil); len(found) > 0 {
			return found.ToAggregate()
		}
		return inject(ctx, made)
	}
}

func inject(ctx context.Context, c *config.CAInjectorConfiguration) error {
	connection, err := kube.BuildClientConfig("", c.KubeConfig)
	if err != nil {
		return err
	}
	election := &c.LeaderElectionConfig
	made, err := manager.New(util.RestConfigWithUserAgent(connection, "cainjector"), manager.Options{
		Scheme: injected(),
		Cache:  cache.Options{ReaderFailOnMissingInformer: true, DefaultNamespaces: namespaces(c.Namespace)},
		// Secrets are read one by one: a cache would hold those of the whole cluster.
		Client: client.Options{Cache: &client.CacheOptions{DisableFor: []client.Object{&core.Secret{}}}},

		LeaderElection:                election.Enabled,
		LeaderElectionNamespace:       election.Namespace,
		LeaderElectionID:              "cert-manager-cainjector-leader-election",
		LeaderElectionLabels:          map[string]string{"app.kubernetes.io/managed-by": "cert-manager-cainjector"},
		LeaderElectionResourceLock:    resourcelock.LeasesResourceLock,
		LeaderElectionReleaseOnCancel: true,
		LeaseDuration:                 &election.LeaseDuration,
		RenewDeadline:                 &election.RenewDeadline,
		RetryPeriod:                   &election.RetryPeriod,
		Metrics:                       server.Options{BindAddress: c.MetricsListenAddress},
	})
	if err != nil {
		return err
	}
	if c.EnableDataSourceConfig.Certificates {
		if err := awaitCertificates(ctx, made); err != nil {
			return err
		}
	}
	wanted := c.EnableInjectableConfig
	err = cainjector.RegisterAllInjectors(ctx, made, cainjector.SetupOptions{
		Namespace:                    c.Namespace,
		IgnoreNamespaces:             c.IgnoreNamespaces,
		EnableCertificatesDataSource: c.EnableDataSourceConfig.Certificates,
		EnabledReconcilersFor: map[string]bool{
			cainjector.MutatingWebhookConfigurationName:   wanted.MutatingWebhookConfigurations,
			cainjector.ValidatingWebhookConfigurationName: wanted.ValidatingWebhookConfigurations,
			cainjector.APIServiceName:                     wanted.APIServices,
			cainjector.CustomResourceDefinitionName:       wanted.CustomResourceDefinitions,
		},
	})
	if err != nil {
		return err
	}
	return made.Start(ctx)
}

// injected knows the kinds that an authority is read from and written into.
func injected() *runtime.Scheme {
	made := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		kubernetes.AddToScheme, certmanager.AddToScheme, extensions.AddToScheme, registration.AddToScheme,
	} {
		utilruntime.Must(add(made))
	}
	return made
}

func namespaces(one string) map[string]cache.Config {
	if one == "" {
		return nil
	}
	return map[string]cache.Config{one: {}}
}

// awaitCertificates waits until the type of Certificates is there, five minutes at most: both are installed together.
func awaitCertificates(ctx context.Context, made manager.Manager) error {
	reader := made.GetAPIReader()
	err := wait.PollUntilContextTimeout(ctx, time.Second, 5*time.Minute, true, func(ctx context.Context) (bool, error) {
		found := &extensions.CustomResourceDefinition{}
		err := reader.Get(ctx, client.ObjectKey{Name: "certificates.cert-manager.io"}, found)
		return err == nil, client.IgnoreNotFound(err)
	})
	if err != nil {
		return fmt.Errorf("waiting for the type of Certificates: %w", err)
	}
	return nil
}

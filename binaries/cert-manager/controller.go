// Copyright (c) 2026 GreenLang. All rights reserved.

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/cert-manager/cert-manager/pkg/controller"
	_ "github.com/cert-manager/cert-manager/pkg/controller/acmechallenges"
	_ "github.com/cert-manager/cert-manager/pkg/controller/acmeorders"
	gateways "github.com/cert-manager/cert-manager/pkg/controller/certificate-shim/gateways"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificate-shim/ingresses"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/acme"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/approver"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/ca"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/selfsigned"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/vault"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/issuing"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/keymanager"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/metrics"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/readiness"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/requestmanager"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/revisionmanager"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/trigger"
	_ "github.com/cert-manager/cert-manager/pkg/controller/clusterissuers"
	_ "github.com/cert-manager/cert-manager/pkg/controller/issuers"
	"github.com/cert-manager/cert-manager/pkg/healthz"
	_ "github.com/cert-manager/cert-manager/pkg/issuer/acme"
	_ "github.com/cert-manager/cert-manager/pkg/issuer/ca"
	_ "github.com/cert-manager/cert-manager/pkg/issuer/selfsigned"
	_ "github.com/cert-manager/cert-manager/pkg/issuer/vault"
	"github.com/spf13/pflag"
	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

// newController issues certificates and keeps them valid.
func newController(flags *pflag.FlagSet) func(context.Context) error {
	made := newSettings(flags)
	return func(ctx context.Context) error {
		if err := made.finish(); err != nil {
			return err
		}
		factory, err := controller.NewContextFactory(ctx, made.options)
		if err != nil {
			return err
		}
		shared, err := factory.Build()
		if err != nil {
			return err
		}
		health := healthz.NewServer(leaderTimeout)
		group, ctx := errgroup.WithContext(ctx)
		if err := serve(ctx, group, made, shared, health); err != nil {
			return err
		}
		leads, err := elected(ctx, group, made, factory, health.LeaderHealthzAdaptor)
		if err != nil {
			return err
		}
		group.Go(func() error {
			select {
			case <-ctx.Done():
				return nil
			case held := <-leads:
				return control(held, made, factory, shared)
			}
		})
		return group.Wait()
	}
}

// serve answers for metrics and health, whether this process leads or not.
func serve(
	ctx context.Context, group *errgroup.Group, made *settings, shared *controller.Context, health *healthz.Server,
) error {
	var listen net.ListenConfig
	metrics, err := listen.Listen(ctx, "tcp", made.metrics)
	if err != nil {
		return fmt.Errorf("--metrics-listen-address: %w", err)
	}
	healthy, err := listen.Listen(ctx, "tcp", made.health)
	if err != nil {
		return fmt.Errorf("--internal-healthz-listen-address: %w", err)
	}
	informers := shared.SharedInformerFactory
	shared.Metrics.SetupACMECollector(informers.Acme().V1().Challenges().Lister())
	shared.Metrics.SetupCertificateCollector(informers.Certmanager().V1().Certificates().Lister())
	shared.Metrics.SetupIssuerCollector(informers.Certmanager().V1().Issuers().Lister())
	shared.Metrics.SetupClusterIssuerCollector(informers.Certmanager().V1().ClusterIssuers().Lister())
	server := shared.Metrics.NewServer(metrics)
	group.Go(func() error {
		if err := server.Serve(metrics); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	group.Go(func() error {
		<-ctx.Done()
		last, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		return server.Shutdown(last)
	})
	group.Go(func() error { return health.Start(ctx, healthy) })
	return nil
}

// elected tells, by its one value, that this process holds the Lease; the value ends when the Lease is lost.
func elected(
	ctx context.Context, group *errgroup.Group, made *settings, factory *controller.ContextFactory,
	health *leaderelection.HealthzAdaptor,
) (<-chan context.Context, error) {
	leads := make(chan context.Context, 1)
	if !made.election.Enabled {
		leads <- ctx
		return leads, nil
	}
	own, err := factory.Build("leader-election")
	if err != nil {
		return nil, err
	}
	host, err := os.Hostname()
	if err != nil {
		return nil, err
	}
	lock, err := resourcelock.NewWithLabels(
		resourcelock.LeasesResourceLock, made.election.Namespace, "cert-manager-controller",
		own.Client.CoreV1(), own.Client.CoordinationV1(),
		resourcelock.ResourceLockConfig{Identity: host + "-external-cert-manager-controller", EventRecorder: own.Recorder},
		map[string]string{"app.kubernetes.io/managed-by": "cert-manager"})
	if err != nil {
		return nil, err
	}
	elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock:            lock,
		LeaseDuration:   made.election.LeaseDuration,
		RenewDeadline:   made.election.RenewDeadline,
		RetryPeriod:     made.election.RetryPeriod,
		ReleaseOnCancel: true,
		WatchDog:        health,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(held context.Context) { leads <- held },
			OnStoppedLeading: func() {},
		},
	})
	if err != nil {
		return nil, err
	}
	health.SetLeaderElection(elector)
	group.Go(func() error {
		elector.Run(ctx)
		if ctx.Err() == nil {
			return errors.New("leadership was lost")
		}
		return nil
	})
	return leads, nil
}

// control starts the controllers and waits until they have ended.
func control(
	ctx context.Context, made *settings, factory *controller.ContextFactory, shared *controller.Context,
) error {
	group, ctx := errgroup.WithContext(ctx)
	for name, construct := range controller.Known() {
		if !made.runs(name) || (name == gateways.ControllerName && !made.options.EnableGatewayAPI) {
			continue
		}
		built, err := construct(factory)
		if err != nil {
			return fmt.Errorf("controller %s: %w", name, err)
		}
		group.Go(func() error { return built.Run(workers, ctx) })
	}
	shared.SharedInformerFactory.Start(ctx.Done())
	shared.KubeSharedInformerFactory.Start(ctx.Done())
	shared.HTTP01ResourceMetadataInformersFactory.Start(ctx.Done())
	if made.options.EnableGatewayAPI {
		shared.GWShared.Start(ctx.Done())
	}
	return group.Wait()
}

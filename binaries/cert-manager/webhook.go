// Copyright (c) 2026 GreenLang. All rights reserved.

package main

import (
	"context"

	"github.com/cert-manager/cert-manager/internal/apis/config/webhook/validation"
	"github.com/cert-manager/cert-manager/internal/webhook"
	logf "github.com/cert-manager/cert-manager/pkg/logs"
	"github.com/cert-manager/cert-manager/pkg/webhook/options"
	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/util/runtime"
	logs "k8s.io/component-base/logs/api/v1"
)

// newWebhook judges and fills in what is written to the API: upstream's server with upstream's flags.
func newWebhook(flags *pflag.FlagSet) func(context.Context) error {
	made, err := options.NewWebhookConfiguration()
	runtime.Must(err)
	var all pflag.FlagSet
	options.AddConfigFlags(&all, made)
	// Gates and logging are everybody's.
	all.VisitAll(func(flag *pflag.Flag) {
		if flags.Lookup(flag.Name) == nil {
			flags.AddFlag(flag)
		}
	})
	return func(ctx context.Context) error {
		made.Logging = *logs.NewLoggingConfiguration()
		if found := validation.ValidateWebhookConfiguration(made, nil); len(found) > 0 {
			return found.ToAggregate()
		}
		server, err := webhook.NewCertManagerWebhookServer(logf.FromContext(ctx), *made)
		if err != nil {
			return err
		}
		return server.Run(ctx)
	}
}

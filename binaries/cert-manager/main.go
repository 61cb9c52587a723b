// Copyright (c) 2026 GreenLang. All rights reserved.

// The three programs of cert-manager in one file, on the packages of upstream's library: its own commands are modules
// that are not served. Linked once instead of three times, it builds faster, and one image holds all of them.
//
//	cert-manager controller|webhook|cainjector [--flag=value ...]
//
// The name may stand anywhere among the flags: charts add arguments where they please. Flags are those that upstream's
// chart sets, and those of a process that is run by hand. What else upstream has is not here: a configuration file, the
// profiler, TLS for metrics, and Venafi's issuer, whose library is not served either. Upstream's images have it all.
package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/cert-manager/cert-manager/internal/apis/config/shared"
	"github.com/cert-manager/cert-manager/internal/cmd/util"
	logf "github.com/cert-manager/cert-manager/pkg/logs"
	"github.com/cert-manager/cert-manager/pkg/util/feature"
	"github.com/spf13/pflag"
	cliflag "k8s.io/component-base/cli/flag"
	logs "k8s.io/component-base/logs/api/v1"
)

// program adds its flags and gives what it does once they are read.
type program func(flags *pflag.FlagSet) func(context.Context) error

var programs = map[string]program{"controller": newController, "webhook": newWebhook, "cainjector": newCAInjector}

func main() {
	ctx, exit := util.SetupExitHandler(context.Background(), util.GracefulShutdown)
	defer exit() // it may end the process, so it is the last to run
	logf.InitLogs()
	defer logf.FlushLogs()
	name, arguments := named(os.Args[1:])
	if err := run(ctx, name, arguments); err != nil {
		logf.Log.Error(err, "the program ended", "program", name)
		util.SetExitCode(err)
	}
}

func run(ctx context.Context, name string, arguments []string) error {
	made, found := programs[name]
	if !found {
		return fmt.Errorf("the arguments name the program %q; name controller, webhook or cainjector", name)
	}
	flags := pflag.NewFlagSet(name, pflag.ContinueOnError)
	logging, gates := logs.NewLoggingConfiguration(), map[string]bool{}
	logf.AddFlags(logging, flags)
	flags.Var(cliflag.NewMapStringBool(&gates), "feature-gates", "gates, as name=true or name=false")
	work := made(flags)
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("the argument %q is not a flag; join a flag and its value by =", flags.Arg(0))
	}
	if err := feature.DefaultMutableFeatureGate.SetFromMap(gates); err != nil {
		return err
	}
	if err := logf.ValidateAndApply(logging); err != nil {
		return err
	}
	return work(logf.NewContext(ctx, logf.Log, name))
}

// named takes the program's name out of the arguments: the first that is no flag; values are joined to flags by =.
func named(arguments []string) (string, []string) {
	for at, argument := range arguments {
		if !strings.HasPrefix(argument, "-") {
			return argument, append(append([]string{}, arguments[:at]...), arguments[at+1:]...)
		}
	}
	return "", arguments
}

func addElection(flags *pflag.FlagSet, to *shared.LeaderElectionConfig) {
	flags.BoolVar(&to.Enabled, "leader-elect", to.Enabled, "whether one of several processes leads")
	flags.StringVar(&to.Namespace, "leader-election-namespace", to.Namespace, "where its Lease is")
	flags.DurationVar(&to.LeaseDuration, "leader-election-lease-duration", to.LeaseDuration, "how long it lasts")
	flags.DurationVar(&to.RenewDeadline, "leader-election-renew-deadline", to.RenewDeadline, "when the leader gives up")
	flags.DurationVar(&to.RetryPeriod, "leader-election-retry-period", to.RetryPeriod, "between attempts")
}

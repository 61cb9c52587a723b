// One file that is every Kubernetes command: it runs the one that it is called as (a link named kube-apiserver, kubelet, ...).
// Linked once instead of six times, it builds faster, and running processes share its pages.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	kubectl "k8s.io/kubectl/pkg/cmd"
	"k8s.io/kubectl/pkg/cmd/util"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"
)

func main() {
	commands := map[string]func() *cobra.Command{
		"cloud-controller-manager": newCloudControllerManager,
		"kube-apiserver":           apiserver.NewAPIServerCommand,
		"kube-controller-manager":  controllermanager.NewControllerManagerCommand,
		"kube-proxy":               proxy.NewProxyCommand,
		"kube-scheduler":           func() *cobra.Command { return scheduler.NewSchedulerCommand() },
		"kubelet":                  func() *cobra.Command { return kubelet.NewKubeletCommand(context.Background()) },
	}
	name := filepath.Base(os.Args[0])
	if name == "kubectl" {
		if err := cli.RunNoErrOutput(kubectl.NewDefaultKubectlCommand()); err != nil {
			util.CheckErr(err)
		}
		return
	}
	command, found := commands[name]
	if !found {
		fmt.Fprintf(os.Stderr, "%s: no Kubernetes command of that name; call this file through a link named after one\n", name)
		os.Exit(2)
	}
	os.Exit(cli.Run(command()))
}

package tenants

import (
	"context"
	"fmt"

	"github.com/coredns/coredns/plugin/kubernetes/object"
	v1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
)

const (
	byAddress = "address"
	// Of a tenant's namespace: the networks that its data declare egress to.
	egress = "tenant.vcci.io/egress"
)

// cluster is the source that watches an API server: of each pod it keeps namespace, name and addresses.
type cluster struct {
	pods, namespaces cache.SharedIndexInformer
}

func newCluster(client kubernetes.Interface) *cluster {
	// What has ended has no address any more, though it still says so. What is being deleted has it until it has ended.
	alive := func(options metav1.ListOptions) metav1.ListOptions {
		options.FieldSelector = "status.phase!=Succeeded,status.phase!=Failed"
		return options
	}
	pods := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			return client.CoreV1().Pods("").List(ctx, alive(options))
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			return client.CoreV1().Pods("").Watch(ctx, alive(options))
		},
	}
	namespaces := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			return client.CoreV1().Namespaces().List(ctx, options)
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			return client.CoreV1().Namespaces().Watch(ctx, options)
		},
	}
	c := &cluster{
		pods:       cache.NewSharedIndexInformer(pods, &v1.Pod{}, 0, cache.Indexers{byAddress: addresses}),
		namespaces: cache.NewSharedIndexInformer(namespaces, &v1.Namespace{}, 0, cache.Indexers{}),
	}
	_ = c.pods.SetTransform(small)
	_ = c.namespaces.SetTransform(small)
	return c
}

func (c *cluster) run(stop <-chan struct{}) {
	go c.pods.Run(stop)
	go c.namespaces.Run(stop)
}

func (c *cluster) ready() bool { return c.pods.HasSynced() && c.namespaces.HasSynced() }

func (c *cluster) namespaceOf(address string) string {
	found, err := c.pods.GetIndexer().ByIndex(byAddress, address)
	if err != nil || len(found) == 0 {
		return ""
	}
	namespace := found[0].(*object.Pod).Namespace
	for _, other := range found[1:] {
		if other.(*object.Pod).Namespace != namespace {
			return "" // one of them is about to go
		}
	}
	return namespace
}

// hasEgress is true for a namespace that does not say: one that a version before this one made.
func (c *cluster) hasEgress(namespace string) bool {
	found, there, err := c.namespaces.GetIndexer().GetByKey(namespace)
	if err != nil || !there {
		return false
	}
	networks, said := found.(*v1.Namespace).Annotations[egress]
	return !said || networks != ""
}

func addresses(obj any) ([]string, error) {
	pod, ok := obj.(*object.Pod)
	if !ok {
		return nil, fmt.Errorf("not a pod: %T", obj)
	}
	return pod.PodIPs, nil
}

// small is what is kept of a namespace, and of a pod.
func small(obj any) (any, error) {
	if namespace, ok := obj.(*v1.Namespace); ok {
		namespace.ManagedFields = nil
	}
	pod, ok := obj.(*v1.Pod)
	if !ok {
		return obj, nil
	}
	kept := &object.Pod{Version: pod.ResourceVersion, Name: pod.Name, Namespace: pod.Namespace}
	for _, address := range pod.Status.PodIPs {
		kept.PodIPs = append(kept.PodIPs, address.IP)
	}
	return kept, nil
}

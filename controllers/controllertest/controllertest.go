// Package controllertest runs a real API server for tests of the operator, and simulates the
// controllers that do not run there.
package controllertest

import (
	"cmp"
	"context"
	"os"
	"path/filepath"
	"time"

	cmv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmetav1 "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// Environment is an API server with the CRDs of the folders. Its programs come from
// KUBEBUILDER_ASSETS, or from config/local/build. EMULATED_KUBERNETES is an older version, such as 1.34, whose
// APIs and features it has instead of its own.
func Environment(crds ...string) *envtest.Environment {
	e := &envtest.Environment{CRDDirectoryPaths: crds, ErrorIfCRDPathMissing: true}
	// The default has room for 254 Services.
	flags := e.ControlPlane.GetAPIServer().Configure().Set("service-cluster-ip-range", "10.0.0.0/16")
	if version := os.Getenv("EMULATED_KUBERNETES"); version != "" {
		flags.Set("emulated-version", version)
	}
	if os.Getenv("KUBEBUILDER_ASSETS") == "" {
		cache, err := os.UserCacheDir()
		if dir := os.Getenv("INTEGRATION_HUB_CACHE"); dir != "" || err == nil {
			e.BinaryAssetsDirectory = filepath.Join(cmp.Or(dir, filepath.Join(cache, "integration-hub")), "local", "bin")
		}
	}
	return e
}

// Edit reads the object, changes it, and writes it. It repeats that after a conflict, because a
// running manager writes to the same objects.
func Edit[T client.Object](ctx context.Context, c client.Client, object T, change func(T)) error {
	return edit(ctx, c, object, change, func() error { return c.Update(ctx, object) })
}

func editStatus[T client.Object](ctx context.Context, c client.Client, object T, change func(T)) error {
	return edit(ctx, c, object, change, func() error { return c.Status().Update(ctx, object) })
}

func edit[T client.Object](ctx context.Context, c client.Client, object T, change func(T), write func() error) error {
	return retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		if err := c.Get(ctx, client.ObjectKeyFromObject(object), object); err != nil {
			return err
		}
		change(object)
		return write()
	})
}

// Issue simulates cert-manager: the Certificate becomes ready.
func Issue(ctx context.Context, c client.Client, key client.ObjectKey) error {
	return editStatus(ctx, c, &cmv1.Certificate{ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name}}, func(o *cmv1.Certificate) {
		o.Status.NotAfter = new(metav1.NewTime(time.Now().Add(time.Hour).Truncate(time.Second)))
		o.Status.Conditions = []cmv1.CertificateCondition{{
			Type: cmv1.CertificateConditionReady, Status: cmmetav1.ConditionTrue, ObservedGeneration: o.Generation,
		}}
	})
}

// RunPods simulates the Deployment controller and the kubelet: all pods become available.
func RunPods(ctx context.Context, c client.Client, key client.ObjectKey) error {
	return editStatus(ctx, c, &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name}}, func(d *appsv1.Deployment) {
		n := *d.Spec.Replicas
		d.Status = appsv1.DeploymentStatus{
			ObservedGeneration: d.Generation, Replicas: n, UpdatedReplicas: n, ReadyReplicas: n, AvailableReplicas: n,
		}
	})
}

package conditions

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Metrics exports conditions of all objects of a kind at the time of a scrape: 1 if a condition is true, otherwise 0.
type Metrics[T client.Object] struct {
	// Conditions are the metric of each condition. Its labels are the object's namespace and name. They must not have
	// those names, since Prometheus sets the label namespace to the manager's own.
	Conditions map[string]*prometheus.Desc
	// Cache is the manager's cache, and List an empty list of the kind. Until the cache is synced, there are no metrics.
	Cache client.Reader
	List  client.ObjectList
	// Class is the spec.controllerClass of the objects that the manager manages.
	Class string
	// Read returns an object's own class and its conditions. It must not change the object.
	Read func(T) (class string, conditions []metav1.Condition)
}

// Describe implements [prometheus.Collector].
func (m Metrics[T]) Describe(descriptions chan<- *prometheus.Desc) {
	for _, d := range m.Conditions {
		descriptions <- d
	}
}

// cacheTimeout bounds the wait for a cache that is not synced.
const cacheTimeout = 5 * time.Second

// Collect implements [prometheus.Collector].
func (m Metrics[T]) Collect(metrics chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), cacheTimeout)
	defer cancel()
	list := m.List.DeepCopyObject().(client.ObjectList) //nolint:errcheck,forcetypeassert // a copy has the type of its original
	if m.Cache.List(ctx, list, client.UnsafeDisableDeepCopy) != nil {
		return
	}
	_ = meta.EachListItem(list, func(item runtime.Object) error {
		if o, ok := item.(T); ok {
			m.collect(metrics, o)
		}
		return nil
	})
}

func (m Metrics[T]) collect(metrics chan<- prometheus.Metric, o T) {
	class, conditions := m.Read(o)
	if class != m.Class {
		return
	}
	for condition, d := range m.Conditions {
		value := 0.
		if meta.IsStatusConditionTrue(conditions, condition) {
			value = 1
		}
		metrics <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, o.GetNamespace(), o.GetName())
	}
}

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupVersion is the group and version of this package's kinds.
var GroupVersion = schema.GroupVersion{Group: "hub.integrationhub.dev", Version: "v1alpha1"}

// AddToScheme makes a scheme know this package's kinds.
func AddToScheme(s *runtime.Scheme) error {
	s.AddKnownTypes(GroupVersion, &IntegrationHub{}, &IntegrationHubList{})
	metav1.AddToGroupVersion(s, GroupVersion)
	return nil
}

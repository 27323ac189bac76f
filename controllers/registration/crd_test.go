package registration_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"integrationhub.dev/api/v1alpha1"
)

// The API server refuses what cannot work, and says what to do.
func TestCRD(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	params := func(p ...v1alpha1.IntegrationParam) func(*v1alpha1.LookerRegistrationSpec) {
		return func(s *v1alpha1.LookerRegistrationSpec) {
			s.Integrations = []v1alpha1.RegisteredIntegration{{Name: "crm", Params: p}}
		}
	}
	address := func(url string) func(*v1alpha1.LookerRegistrationSpec) {
		return func(s *v1alpha1.LookerRegistrationSpec) { s.Looker.URL = url }
	}
	every := func(interval string) func(*v1alpha1.LookerRegistrationSpec) {
		return func(s *v1alpha1.LookerRegistrationSpec) { s.Interval = interval }
	}
	secret := &v1alpha1.ParamSource{SecretKeyRef: v1alpha1.ParamSecretRef{Name: "a", Key: "b"}}
	n := 0
	for name, tt := range map[string]struct {
		change func(*v1alpha1.LookerRegistrationSpec)
		want   string // "" is accepted
	}{
		"a minimal spec":             {change: func(s *v1alpha1.LookerRegistrationSpec) { s.Integrations, s.Looker.CABundleRef = nil, nil }},
		"an address with a port":     {change: address("https://looker.example.com:19999")},
		"an IPv6 address":            {change: address("https://[fd00::1]:19999")},
		"an address with a path":     {change: address("https://example.com/looker")},
		"a short interval":           {change: every("30s")},
		"an empty value":             {change: params(v1alpha1.IntegrationParam{Name: "p", Value: new("")})},
		"a value from a Secret":      {change: params(v1alpha1.IntegrationParam{Name: "p", ValueFrom: secret})},
		"a user attribute":           {change: params(v1alpha1.IntegrationParam{Name: "p", UserAttribute: "a"})},
		"plain HTTP":                 {address("http://looker.example.com"), "must be an https URL"},
		"no URL":                     {address("looker.example.com"), "must be an https URL"},
		"a trailing slash":           {address("https://looker.example.com/"), "must not end with a slash"},
		"a query":                    {address("https://looker.example.com?a=b"), "must not end with a slash or contain a query"},
		"a user name":                {address("https://me@looker.example.com"), "a user name"},
		"an uppercase host":          {address("https://Looker.example.com"), "lowercase host"},
		"the path of the API":        {address("https://looker.example.com:19999/api/4.0"), "must not contain the path of the API version"},
		"no source":                  {params(v1alpha1.IntegrationParam{Name: "p"}), "exactly one of value, valueFrom and userAttribute"},
		"two sources":                {params(v1alpha1.IntegrationParam{Name: "p", Value: new("v"), ValueFrom: secret}), "exactly one of value, valueFrom and userAttribute"},
		"three sources":              {params(v1alpha1.IntegrationParam{Name: "p", Value: new("v"), ValueFrom: secret, UserAttribute: "a"}), "exactly one of"},
		"a parameter twice":          {params(v1alpha1.IntegrationParam{Name: "p", Value: new("1")}, v1alpha1.IntegrationParam{Name: "p", Value: new("2")}), "Duplicate value"},
		"a long value":               {params(v1alpha1.IntegrationParam{Name: "p", Value: new(strings.Repeat("x", 4097))}), "Too long"},
		"an interval of nothing":     {every("0s"), "interval must be between 30s and 24h"},
		"an interval of days":        {every("25h"), "interval must be between 30s and 24h"},
		"an interval without a unit": {every("10"), "interval must be between 30s and 24h"},
		"an unknown deletion policy": {func(s *v1alpha1.LookerRegistrationSpec) { s.DeletionPolicy = "Orphan" }, "Unsupported value"},
		"an unknown test policy": {func(s *v1alpha1.LookerRegistrationSpec) {
			s.Integrations[0].Test = "Always"
		}, "Unsupported value"},
		"an integration twice": {func(s *v1alpha1.LookerRegistrationSpec) {
			s.Integrations = append(s.Integrations, v1alpha1.RegisteredIntegration{Name: "crm"})
		}, "Duplicate value"},
		"many integrations": {func(s *v1alpha1.LookerRegistrationSpec) {
			s.Integrations = nil
			for i := range 129 {
				s.Integrations = append(s.Integrations, v1alpha1.RegisteredIntegration{Name: fmt.Sprint("i", i)})
			}
		}, "Too many"},
		"no hub":         {func(s *v1alpha1.LookerRegistrationSpec) { s.HubRef.Name = "" }, "spec.hubRef.name"},
		"no credentials": {func(s *v1alpha1.LookerRegistrationSpec) { s.Looker.CredentialsSecretRef.Name = "" }, "credentialsSecretRef.name"},
	} {
		n++
		l := f.registration()
		l.Name = fmt.Sprint("crd-", n)
		tt.change(&l.Spec)
		err := api.Create(t.Context(), l)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
	l := f.registration()
	l.Spec.Integrations = nil
	f.create(l)
	if s := f.read().Spec; s.DeletionPolicy != v1alpha1.RetainHub || s.MissingHubPolicy != v1alpha1.RecreateHub || s.Interval != "10m" || s.Looker.CABundleRef.Key != "ca.crt" {
		t.Errorf("defaults: %+v", s)
	}
	for want, change := range map[string]func(*v1alpha1.LookerRegistrationSpec){
		"looker.url cannot be changed": address("https://other.example.com"),
		"hubRef cannot be changed":     func(s *v1alpha1.LookerRegistrationSpec) { s.HubRef.Name = "other" },
	} {
		l := f.read()
		change(&l.Spec)
		if err := api.Update(t.Context(), l); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

// The sample is accepted, with no field that the API server does not know.
func TestSample(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	text, err := os.ReadFile("../../config/samples/lookerregistration.yaml")
	if err != nil {
		t.Fatal(err)
	}
	l := &v1alpha1.LookerRegistration{}
	if err := yaml.UnmarshalStrict(text, l); err != nil {
		t.Fatal(err)
	}
	l.Namespace = f.namespace
	f.create(l)
}

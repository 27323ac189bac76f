package sagemaker_test

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/aws/sagemaker"
	"integrationhub.dev/integrations/internal/aws/sagemaker/sagemakertest"
)

// The hub acts as its pod, or assumes a role, as the administrator wants. Requests to S3 and to SageMaker are signed alike.
func TestIdentity(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(sagemakertest.PodToken), 0o600); err != nil {
		t.Fatal(err)
	}
	pod := map[string]string{
		"AMAZON_SAGEMAKER_POD_IDENTITY": "true", "AWS_ROLE_ARN": sagemakertest.PodRole, "AWS_WEB_IDENTITY_TOKEN_FILE": file,
	}
	agent := map[string]string{
		"AMAZON_SAGEMAKER_POD_IDENTITY": "true",
		"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://" + sagemakertest.AgentHost +
			"/v1/credentials", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": file,
	}
	assume := map[string]string{
		"AMAZON_SAGEMAKER_ROLE_ARN":    sagemakertest.HubRole,
		"AMAZON_SAGEMAKER_EXTERNAL_ID": sagemakertest.ExternalID,
	}
	both := maps.Clone(pod)
	maps.Copy(both, assume)
	other := maps.Clone(assume)
	other["AMAZON_SAGEMAKER_EXTERNAL_ID"] = "x"
	const denied = "AWS does not allow the hub to assume the role for Amazon S3. The hub's administrator must check the role and its " +
		"trust policy."
	for name, tt := range map[string]struct {
		env     map[string]string
		keyless bool
		// issued are the ways in which credentials were issued.
		issued  []string
		message string
	}{
		"a key":                           {},
		"no key":                          {keyless: true, message: `"accessKeyId" is required. "secretAccessKey" is required.`},
		"the pod":                         {env: pod, keyless: true, issued: []string{"AssumeRoleWithWebIdentity"}},
		"the pod, but Looker has a key":   {env: pod},
		"the pod by its agent":            {env: agent, keyless: true, issued: []string{"AssumeRoleForPodIdentity"}},
		"the agent, but Looker has a key": {env: agent},
		"a role by Looker's key":          {env: assume, issued: []string{"AssumeRole"}},
		"a role by the pod":               {env: both, keyless: true, issued: []string{"AssumeRole", "AssumeRoleWithWebIdentity"}},
		"a role that is denied":           {env: other, issued: []string{"AssumeRole"}, message: denied},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := sagemakertest.NewHub(t, 1)
				deps := h.Deps()
				deps.Env, deps.Identity = tt.env, deps.HTTP
				change := map[string]string{}
				if tt.keyless {
					change = map[string]string{"accessKeyId": "", "secretAccessKey": ""}
				}
				_, err := sagemaker.MustNew(deps).Infer(t.Context(), sagemakertest.Request(t, "id,age\n1,40\n", inferForm, change))
				h.Jobs.Drain(context.Background())
				if got := action.MessageOf(err); tt.message != "" && got != tt.message || tt.message == "" && err != nil {
					t.Fatalf("error %v, want %q", err, tt.message)
				}
				issued := slices.DeleteFunc(h.AWS.Operations(), func(o string) bool { return !strings.HasPrefix(o, "AssumeRole") })
				slices.Sort(issued)
				if diff := cmp.Diff(tt.issued, slices.Compact(issued)); diff != "" && len(tt.issued)+len(issued) > 0 {
					t.Errorf("credentials (-want +got):\n%s", diff)
				}
				if tt.message == "" && h.AWS.Count("CreateTransformJob") != 1 {
					t.Errorf("%d jobs, want 1", h.AWS.Count("CreateTransformJob"))
				}
			})
		})
	}
}

// A form with the pod's identity does not ask for keys.
func TestKeylessDefinition(t *testing.T) {
	t.Parallel()
	for name, required := range map[string]bool{"false": true, "true": false} {
		deps := action.Deps{Env: map[string]string{
			"AMAZON_SAGEMAKER_POD_IDENTITY": name, "AWS_ROLE_ARN": sagemakertest.PodRole, "AWS_WEB_IDENTITY_TOKEN_FILE": "/token",
		}}
		for _, p := range sagemaker.MustNew(deps).Definition(true).Params {
			if key := p.Name == "accessKeyId" || p.Name == "secretAccessKey"; key && p.Required != required {
				t.Errorf("AMAZON_SAGEMAKER_POD_IDENTITY=%s: %s is required: %v", name, p.Name, p.Required)
			}
		}
	}
	_, err := sagemaker.New(action.Deps{Env: map[string]string{"AMAZON_SAGEMAKER_POD_IDENTITY": "true"}})
	if missing, ok := errors.AsType[*action.MissingSettingsError](err); !ok {
		t.Errorf("error %v, want the settings that EKS makes: %v", err, missing)
	}
}

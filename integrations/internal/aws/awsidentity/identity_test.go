package awsidentity_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/aws/awsidentity"
)

// A pod has a role and its token, or an agent and its token. The role comes first, and half of either is none.
func TestPod(t *testing.T) {
	t.Parallel()
	role, agent := awsidentity.Identity{PodRole: "r", TokenFile: "t"}, awsidentity.Identity{Agent: "a", AgentTokenFile: "f"}
	for name, tt := range map[string]struct {
		pod  awsidentity.Pod
		want awsidentity.Identity
	}{
		"a role":               {awsidentity.Pod{PodRole: "r", TokenFile: "t"}, role},
		"an agent":             {awsidentity.Pod{Agent: "a", AgentTokenFile: "f"}, agent},
		"both":                 {awsidentity.Pod{PodRole: "r", TokenFile: "t", Agent: "a", AgentTokenFile: "f"}, role},
		"a role without token": {awsidentity.Pod{PodRole: "r", Agent: "a", AgentTokenFile: "f"}, agent},
		"no token":             {awsidentity.Pod{PodRole: "r", Agent: "a"}, awsidentity.Identity{}},
		"nothing":              {awsidentity.Pod{}, awsidentity.Identity{}},
	} {
		got, err := tt.pod.Identity()
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		_, missing := errors.AsType[*action.MissingSettingsError](err)
		if keyless := tt.want.Keyless(); missing == keyless || (err == nil) != keyless {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

// Blanks around a key are not a key.
func TestKeys(t *testing.T) {
	t.Parallel()
	for keys, want := range map[awsidentity.Keys]bool{
		{Access: "a", Secret: "s"}: true, {Access: "a"}: false, {Secret: "s"}: false, {Access: " ", Secret: "s"}: false, {}: false,
	} {
		if got := keys.Complete(); got != want {
			t.Errorf("%q is complete: %v, want %v", []string{keys.Access.Reveal(), keys.Secret.Reveal()}, got, want)
		}
	}
}

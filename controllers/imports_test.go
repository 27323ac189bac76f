package controllers_test

import (
	"os/exec"
	"strings"
	"testing"

	"integrationhub.dev/config/inputs"
)

// Neither program links what belongs to the other: the hub has no business with the
// cluster, and the manager none with destinations.
func TestProgramsStayApart(t *testing.T) {
	t.Parallel()
	inputs.Of(t, "../api", ".", "../hub", "../icons", "../integrations") // the go command reads them
	for program, forbidden := range map[string][]string{
		"../hub/cmd/hub": {"k8s.io/", "sigs.k8s.io/", "integrationhub.dev/api/v1alpha1", "integrationhub.dev/controllers", "github.com/chromedp/"},
		"./cmd/manager":  {"integrationhub.dev/integrations", "github.com/aws/", "github.com/slack-go/", "github.com/go-chi/", "k8s.io/apiserver/", "google.golang.org/grpc"},
	} {
		out, err := exec.Command("go", "list", "-deps", program).Output()
		if err != nil {
			t.Fatal(err)
		}
		for dep := range strings.Lines(string(out)) {
			for _, prefix := range forbidden {
				if strings.HasPrefix(dep, prefix) {
					t.Errorf("%s links %s", program, strings.TrimSpace(dep))
				}
			}
		}
	}
}

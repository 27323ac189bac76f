package looker_test

import (
	"os/exec"
	"strings"
	"testing"

	"integrationhub.dev/config/inputs"
)

// The simulator is in no part of the product that runs in a cluster. The client of Looker's API, which the
// manager links, and the program hub, whose console simulates Looker, do not bring the document's parser.
func TestProductDoesNotLinkSimulator(t *testing.T) {
	t.Parallel()
	inputs.Of(t, "..", "../../api", "../../controllers", "../../icons", "../../integrations") // the go command reads them
	for program, forbidden := range map[string][]string{
		"./api":                         {"integrationhub.dev/hub/looker", "github.com/getkin/kin-openapi/openapi3"},
		"..":                            {"integrationhub.dev/hub/looker"},
		"../cmd/hub":                    {"github.com/getkin/kin-openapi/openapi3"},
		"../../controllers/cmd/manager": {"integrationhub.dev/hub/looker", "github.com/getkin/kin-openapi/openapi3"},
	} {
		out, err := exec.Command("go", "list", "-deps", program).Output()
		if err != nil {
			t.Fatal(err)
		}
		linked := map[string]bool{}
		for dep := range strings.Lines(string(out)) {
			linked[strings.TrimSpace(dep)] = true
		}
		for _, name := range forbidden {
			if linked[name] {
				t.Errorf("%s links %s", program, name)
			}
		}
	}
}

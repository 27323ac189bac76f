package awscall

import "regexp"

// partitions are the regions whose domain is not amazonaws.com: those of the SDK's partitions.json.
// https://docs.aws.amazon.com/general/latest/gr/rande.html
var partitions = regexp.MustCompile(`^(cn|eusc-de|us-iso|us-isob|us-isof|eu-isoe)-\w+-\d+$`)

var domains = map[string]string{
	"cn":      "amazonaws.com.cn",
	"eusc-de": "amazonaws.eu",
	"us-iso":  "c2s.ic.gov",
	"us-isob": "sc2s.sgov.gov",
	"us-isof": "csp.hci.ic.gov",
	"eu-isoe": "cloud.adc-e.uk",
}

// Domain returns the domain of a region's endpoints.
func Domain(region string) string {
	if m := partitions.FindStringSubmatch(region); m != nil {
		return domains[m[1]]
	}
	return "amazonaws.com"
}

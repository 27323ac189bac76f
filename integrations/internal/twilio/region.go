package twilio

import (
	"errors"
	"fmt"
	"regexp"

	"integrationhub.dev/hub/action"
)

// Settings are the hub's environment variables. Their names are those of Twilio's own libraries.
type Settings struct {
	// Region is the region that processes the messages. Credentials belong to one region.
	Region region `env:"TWILIO_REGION"`
	// Edge is the edge location through which the region is reached.
	Edge edge `env:"TWILIO_EDGE"`
}

type (
	region string
	edge   string
)

var (
	regionPattern = regexp.MustCompile(`^[a-z]{2}[0-9]{1,2}$`)
	edgePattern   = regexp.MustCompile(`^[a-z]+(?:-[a-z]+)*$`)
)

// UnmarshalText implements [encoding.TextUnmarshaler].
func (r *region) UnmarshalText(text []byte) error {
	if !regionPattern.Match(text) {
		return errors.New("must be a region such as ie1")
	}
	*r = region(text)
	return nil
}

// UnmarshalText implements [encoding.TextUnmarshaler].
func (e *edge) UnmarshalText(text []byte) error {
	const maxLength = 40
	if len(text) > maxLength || !edgePattern.Match(text) {
		return errors.New("must be an edge location such as dublin")
	}
	*e = edge(text)
	return nil
}

// us is the region without which requests have no region.
const us region = "us1"

// edges are the edge locations of the regions
// (https://www.twilio.com/docs/global-infrastructure/understanding-edge-locations).
var edges = map[region]edge{
	us: "ashburn", "au1": "sydney", "br1": "sao-paulo", "de1": "frankfurt", "ie1": "dublin",
	"jp1": "tokyo", "jp2": "osaka", "sg1": "singapore", "us2": "umatilla",
}

// Region is where requests go. The zero value is the US.
type Region struct {
	name region
	host string
}

// region returns the region of the settings. A host name contains the edge location and the region, as in
// api.dublin.ie1.twilio.com. Those without the edge location stopped working in April 2026
// (https://www.twilio.com/docs/global-infrastructure/using-the-twilio-rest-api-in-a-non-us-region).
func (s Settings) region() (Region, error) {
	r, e := s.Region, s.Edge
	if r == "" && e == "" {
		return Region{}, nil
	}
	if r == "" {
		r = us
	}
	if e == "" {
		e = edges[r]
	}
	if e == "" {
		return Region{}, fmt.Errorf("TWILIO_EDGE is missing: the edge location of the region %s is unknown", r)
	}
	return Region{r, fmt.Sprintf("api.%s.%s.twilio.com", e, r)}, nil
}

// RegionOf returns the region in the hub's settings.
func RegionOf(deps action.Deps) (Region, error) {
	s, err := action.Settings[Settings](deps)
	if err != nil {
		return Region{}, err
	}
	return s.region()
}

func (r Region) base() string {
	host := r.host
	if host == "" {
		host = "api.twilio.com"
	}
	return "https://" + host + "/2010-04-01"
}

// String is the region's name.
func (r Region) String() string {
	if r.name == "" {
		return string(us)
	}
	return string(r.name)
}

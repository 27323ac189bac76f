package action

import "time"

// API is a version of a vendor's API that an integration calls. Vendors retire versions, so that an
// integration ends to work without a change of its own.
type API struct {
	// Name is the vendor's, such as "Google Ads API".
	Name    string
	Version string
	// EndOfLife is the day on which the vendor retires the version, as 2027-08-31, or "" if it has
	// announced none. It is the first day of a month of which only the month is known.
	EndOfLife string
	// Source is the vendor's page about its versions.
	Source string
	// Setting is the environment variable that selects another version, or "".
	Setting string
}

// End returns the day on which the version is retired, if one is known.
func (a API) End() (time.Time, bool) {
	end, err := time.Parse(time.DateOnly, a.EndOfLife)
	return end, err == nil
}

// In returns the version that an environment selects. The end of life of another version than the
// default is not known.
func (a API) In(env map[string]string) API {
	if version := env[a.Setting]; a.Setting != "" && version != "" && version != a.Version {
		a.Version, a.EndOfLife = version, ""
	}
	return a
}

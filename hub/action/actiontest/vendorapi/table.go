package vendorapi

import "sync"

// api is a description, and the hosts whose requests it describes.
type api struct {
	name string
	// hosts are host names, or *.example.com for those below a domain.
	hosts []string
	load  func() (*Description, error)
	// accepted are findings that are right nevertheless, as [Finding.key] has them, with the reason.
	// They are listed in the test's log.
	accepted map[string]string
}

// openAPI is a description in the folder of descriptions.
func openAPI(name string) func() (*Description, error) {
	return sync.OnceValues(func() (*Description, error) {
		text, err := shared(name)
		if err != nil {
			return nil, err
		}
		return ParseOpenAPI(text)
	})
}

// jsonSchema is a JSON Schema in the folder of descriptions, for the body of an operation.
func jsonSchema(operation string, names ...string) func() (*Description, error) {
	return sync.OnceValues(func() (*Description, error) {
		texts := make([][]byte, len(names))
		for i, name := range names {
			var err error
			if texts[i], err = shared(name); err != nil {
				return nil, err
			}
		}
		return ParseJSONSchema(operation, texts[0], texts[1:]...)
	})
}

// apis are the known descriptions. An integration needs no line in its own tests: every request to
// one of these hosts is checked.
var apis = []api{
	{
		name: "PagerDuty Events v2", hosts: []string{"events.pagerduty.com", "events.eu.pagerduty.com"},
		load: openAPI("pagerduty-events-v2.json"),
	},
	{name: "SendGrid Mail Send v3", hosts: []string{"api.sendgrid.com", "api.eu.sendgrid.com"}, load: openAPI("sendgrid-mail-v3.json")},
	{name: "HubSpot contacts v3", hosts: []string{"api.hubapi.com"}, load: openAPI("hubspot-contacts-v3.json")},
	{name: "HubSpot companies v3", hosts: []string{"api.hubapi.com"}, load: openAPI("hubspot-companies-v3.json")},
	{name: "HubSpot contacts 2026-09", hosts: []string{"api.hubapi.com"}, load: openAPI("hubspot-contacts-2026-09.json")},
	{name: "HubSpot companies 2026-09", hosts: []string{"api.hubapi.com"}, load: openAPI("hubspot-companies-2026-09.json")},
	{
		name: "mParticle Events", hosts: []string{"*.mparticle.com"},
		load: jsonSchema("POST /v2/bulkevents", "mparticle-inbound-events-bulk.schema.json", "mparticle-inbound-events.schema.json"),
	},
	{
		name: "mParticle Events, US1", hosts: []string{"inbound.mparticle.com"},
		load: jsonSchema("POST /s2s/v2/bulkevents", "mparticle-inbound-events-bulk.schema.json", "mparticle-inbound-events.schema.json"),
	},
}

// undescribed are paths of described hosts that are in no description that there is, with the reason.
var undescribed = []struct{ host, prefix, reason string }{}

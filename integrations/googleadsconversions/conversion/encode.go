package conversion

import "time"

// encode writes a conversion as an event.
func (r *Reader) encode(c conversion) ([]byte, error) {
	w := r.json
	w.Begin()
	w.Text("transactionId", c.transaction)
	w.Text("eventTimestamp", c.time.UTC().Format(time.RFC3339Nano))
	w.Text("eventSource", r.Source)
	if c.gclid != "" || c.gbraid != "" || c.wbraid != "" {
		w.Object("adIdentifiers")
		r.optional("gclid", c.gclid)
		r.optional("gbraid", c.gbraid)
		r.optional("wbraid", c.wbraid)
		w.End()
	}
	if len(c.people) > 0 {
		w.Object("userData")
		w.Name("userIdentifiers")
		w.BeginList()
		for _, p := range c.people {
			r.encodeIdentifier(p)
		}
		w.EndList()
		w.End()
	}
	if c.value != nil {
		w.Value("conversionValue", c.value)
		r.optional("currency", c.currency)
	}
	if c.userData.wire() != "" || c.personalization.wire() != "" {
		w.Object("consent")
		r.optional("adUserData", c.userData.wire())
		r.optional("adPersonalization", c.personalization.wire())
		w.End()
	}
	w.End()
	return w.Done()
}

func (r *Reader) encodeIdentifier(i identifier) {
	w := r.json
	w.Begin()
	r.optional("emailAddress", i.email)
	r.optional("phoneNumber", i.phone)
	if a := i.address; a != nil {
		w.Object("address")
		w.Text("givenName", a.first)
		w.Text("familyName", a.last)
		w.Text("regionCode", a.country)
		w.Text("postalCode", a.postal)
		w.End()
	}
	w.End()
}

// optional writes a member unless its text is empty.
func (r *Reader) optional(name, text string) {
	if text != "" {
		r.json.Text(name, text)
	}
}

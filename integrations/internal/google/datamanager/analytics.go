package datamanager

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/rows"
)

// The event parameters that are fields of an event in the Data Manager API:
// https://developers.google.com/data-manager/api/devguides/events/analytics/measurement-protocol/upgrade/field-mappings
const (
	paramTransaction = "transaction_id"
	paramCurrency    = "currency"
	paramValue       = "value"
	paramCustomer    = "customer_type"
	paramCoupon      = "coupon"
)

// customerTypes are the values of paramCustomer:
// https://developers.google.com/data-manager/api/reference/rest/v1/UserProperties#CustomerType
var customerTypes = []string{"NEW", "RETURNING", "REENGAGED"}

// AnalyticsEvent is an event in a web data stream of Google Analytics.
type AnalyticsEvent struct {
	Name string
	// ClientID is the browser's ID. UserID may be empty.
	ClientID, UserID string
	Time             time.Time
	// Params and Properties are event parameters and user properties by their names. Values are texts, and numbers
	// as [json.Number].
	Params, Properties map[string]any
}

// AnalyticsEncoder writes events for [Events]. It must not be used concurrently.
type AnalyticsEncoder struct{ json *rows.JSONWriter }

// NewAnalyticsEncoder makes an encoder.
func NewAnalyticsEncoder() *AnalyticsEncoder { return &AnalyticsEncoder{rows.NewJSONWriter()} }

// Encode writes an event. Its error is about the event.
func (c *AnalyticsEncoder) Encode(e AnalyticsEvent) ([]byte, error) {
	customer := strings.ToUpper(text(e.Params[paramCustomer]))
	value, isNumber := e.Params[paramValue].(json.Number)
	switch {
	case customer != "" && !slices.Contains(customerTypes, customer):
		return nil, action.Errorf(action.Invalid, "A row's customer_type is not new, returning or reengaged.")
	case e.Params[paramValue] != nil && !isNumber:
		return nil, action.Errorf(action.Invalid, "A row's value is not a number.")
	}
	w := c.json
	w.Begin()
	c.optional("transactionId", text(e.Params[paramTransaction]))
	w.Text("eventTimestamp", e.Time.UTC().Format(time.RFC3339Nano))
	w.Text("eventSource", "WEB") // as the data stream
	w.Text("eventName", e.Name)
	w.Text("clientId", e.ClientID)
	c.optional("userId", e.UserID)
	c.optional("currency", text(e.Params[paramCurrency]))
	if isNumber {
		w.Value("conversionValue", []byte(value))
	}
	if coupon := text(e.Params[paramCoupon]); coupon != "" {
		w.Object("cartData")
		w.Texts("couponCodes", coupon)
		w.End()
	}
	c.parameters(e)
	c.properties(e, customer)
	w.End()
	return w.Done()
}

// parameters writes the parameters that have no field of their own.
func (c *AnalyticsEncoder) parameters(e AnalyticsEvent) {
	others := maps.Clone(e.Params)
	for _, name := range []string{paramTransaction, paramCurrency, paramValue, paramCustomer, paramCoupon} {
		delete(others, name)
	}
	c.pairs("additionalEventParameters", "parameterName", others)
}

func (c *AnalyticsEncoder) properties(e AnalyticsEvent, customer string) {
	if customer == "" && len(e.Properties) == 0 {
		return
	}
	c.json.Object("userProperties")
	c.optional("customerType", customer)
	c.pairs("additionalUserProperties", "propertyName", e.Properties)
	c.json.End()
}

// pairs writes names with their values as text, in the order of the names.
func (c *AnalyticsEncoder) pairs(list, name string, values map[string]any) {
	if len(values) == 0 {
		return
	}
	c.json.Name(list)
	c.json.BeginList()
	for _, key := range slices.Sorted(maps.Keys(values)) {
		c.json.Begin()
		c.json.Text(name, key)
		c.json.Text("value", text(values[key]))
		c.json.End()
	}
	c.json.EndList()
}

// optional writes a member unless its text is empty.
func (c *AnalyticsEncoder) optional(name, text string) {
	if text != "" {
		c.json.Text(name, text)
	}
}

// text is the value of a parameter or property as text, or "" for none.
func text(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	}
	return ""
}

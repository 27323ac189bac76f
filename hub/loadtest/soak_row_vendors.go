package main

import (
	"errors"
	"net/http"
	"strings"
)

// rowHosts are those of rowDestinations.
var rowHosts = []string{"api.hubapi.com", "api.segment.io", "rest.iad-01.braze.com", "api.airtable.com"}

// rowDestinations are integrations of each kind: what may be repeated and what may not, rows
// that are refused one by one, in a part of a batch, and as a batch.
var rowDestinations = []rowDestination{
	{
		name: "hubspot_contacts", host: "api.hubapi.com", maxRows: 200,
		columns: columns("hubspot_contact_id", "check"), row: prefixed(""),
		fill: func(d *delivery) {
			d.params = map[string]string{"hubspot_access_token": d.id, "hubspot_batch_update_size": "25"}
		},
		read: readHubSpot, answer: answerHubSpot,
	},
	{
		name: "segment_track", host: "api.segment.io", maxRows: 700, whole: true,
		columns: columns("user_id", "check"), row: prefixed("u"),
		fill: func(d *delivery) {
			d.params, d.form = map[string]string{"segment_write_key": d.id}, map[string]string{"event": "Soaked"}
		},
		read: readSegment, answer: answerSegment,
	},
	{
		name: "braze", host: "rest.iad-01.braze.com", maxRows: 300,
		columns: columns("braze_id", "braze[check]"), row: prefixed("r"),
		fill: func(d *delivery) { fillBraze(d, "attributes") }, read: readBraze, answer: answerBraze,
	},
	{
		name: "braze", host: "rest.iad-01.braze.com", maxRows: 300, once: true,
		columns: columns("braze_id", "braze[check]"), row: prefixed("r"),
		fill: func(d *delivery) { fillBraze(d, "events") }, read: readBraze, answer: answerBraze,
	},
	{
		name: "airtable", host: "api.airtable.com", maxRows: 60, once: true, whole: true, attached: true,
		columns: columns("", ""), row: prefixed("r"),
		fill: func(d *delivery) { fillAirtable(d, "create") }, read: readAirtable, answer: answerAirtable,
	},
	{
		name: "airtable", host: "api.airtable.com", maxRows: 60, whole: true, attached: true,
		columns: columns("", ""), row: prefixed("r"),
		fill: func(d *delivery) { fillAirtable(d, "upsert") }, read: readAirtable, answer: answerAirtable,
	},
}

type object = map[string]any

var errUnknownCall = errors.New("an unknown call")

// https://developers.hubspot.com/docs/api-reference/latest/crm/objects/contacts/guide
func readHubSpot(c vendorCall) (string, []rowSeen, error) {
	if c.method == http.MethodGet && strings.HasPrefix(c.path, "/crm/properties/") {
		return c.bearer, nil, nil
	}
	if !strings.HasSuffix(c.path, "/contacts/batch/update") {
		return c.bearer, nil, errUnknownCall
	}
	in, err := decode[struct {
		Inputs []struct {
			ID         string
			Properties map[string]string
		}
	}](c.body)
	rows := make([]rowSeen, len(in.Inputs))
	for i, r := range in.Inputs {
		rows[i] = rowSeen{r.ID, r.Properties["c_check"]}
	}
	return c.bearer, rows, err
}

func answerHubSpot(c vendorCall, rows []rowSeen, refused map[int]bool) (int, any) {
	if c.method == http.MethodGet {
		return http.StatusOK, object{"results": []any{}}
	}
	results, ids := []object{}, []string{}
	for i, r := range rows {
		if refused[i] {
			ids = append(ids, r.id)
		} else {
			results = append(results, object{"id": r.id})
		}
	}
	if len(ids) == 0 {
		return http.StatusOK, object{"status": "COMPLETE", "results": results}
	}
	return http.StatusMultiStatus, object{"status": "COMPLETE", "results": results, "errors": []object{{
		"status": "error", "category": "VALIDATION_ERROR", "message": "refused", "context": object{"ids": ids},
	}}}
}

// https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/
func readSegment(c vendorCall) (string, []rowSeen, error) {
	in, err := decode[struct {
		Batch []struct {
			UserID     string `json:"userId"`
			Properties map[string]string
		}
	}](c.body)
	rows := make([]rowSeen, len(in.Batch))
	for i, r := range in.Batch {
		rows[i] = rowSeen{r.UserID, r.Properties["c.check"]}
	}
	if c.path != "/v1/batch" {
		err = errUnknownCall
	}
	return c.user, rows, err
}

func answerSegment(_ vendorCall, _ []rowSeen, refused map[int]bool) (int, any) {
	if len(refused) > 0 {
		return http.StatusBadRequest, object{"success": false}
	}
	return http.StatusOK, object{"success": true}
}

func fillBraze(d *delivery, record string) {
	d.params = map[string]string{"braze_api_key": d.id, "braze_api_endpoint": "https://rest.iad-01.braze.com"}
	d.form = map[string]string{"braze_key": "external_id", "braze_record": record, "braze_event_name": "Soaked"}
}

// https://www.braze.com/docs/api/endpoints/user_data/post_user_track/
func readBraze(c vendorCall) (string, []rowSeen, error) {
	in, err := decode[struct {
		Attributes []struct {
			ID    string `json:"external_id"`
			Check string
		}
		Events []struct {
			ID         string `json:"external_id"`
			Properties map[string]string
		}
	}](c.body)
	var rows []rowSeen
	for _, r := range in.Attributes {
		rows = append(rows, rowSeen{r.ID, r.Check})
	}
	for _, r := range in.Events {
		rows = append(rows, rowSeen{r.ID, r.Properties["check"]})
	}
	if c.path != "/users/track" {
		err = errUnknownCall
	}
	return c.bearer, rows, err
}

func answerBraze(c vendorCall, rows []rowSeen, refused map[int]bool) (int, any) {
	array := "attributes"
	if strings.HasPrefix(string(c.body), `{"events"`) {
		array = "events"
	}
	var problems []object
	for i := range rows {
		if refused[i] {
			problems = append(problems, object{"type": "refused", "input_array": array, "index": i})
		}
	}
	return http.StatusCreated, object{"message": "success", "errors": problems}
}

func fillAirtable(d *delivery, operation string) {
	d.params = map[string]string{"state_json": `{"tokens":{"refresh_token":"x","access_token":"` + d.id + `"},"redirect":"https://hub.example.com/"}`}
	d.form = map[string]string{"base": "appSoak", "table": "Rows", "operation": operation, "key_fields": "Id"}
}

// https://airtable.com/developers/web/api/create-records
func readAirtable(c vendorCall) (string, []rowSeen, error) {
	in, err := decode[struct {
		Records []struct {
			Fields map[string]string
		}
	}](c.body)
	rows := make([]rowSeen, len(in.Records))
	for i, r := range in.Records {
		rows[i] = rowSeen{r.Fields["Id"], r.Fields["Check"]}
	}
	if c.path != "/v0/appSoak/Rows" {
		err = errUnknownCall
	}
	return c.bearer, rows, err
}

func answerAirtable(_ vendorCall, rows []rowSeen, refused map[int]bool) (int, any) {
	if len(refused) > 0 {
		return http.StatusUnprocessableEntity, object{"error": object{"type": "INVALID_VALUE_FOR_COLUMN", "message": "refused"}}
	}
	records, created := make([]object, len(rows)), make([]string, len(rows))
	for i, r := range rows {
		created[i] = "rec" + r.id
		records[i] = object{"id": created[i], "fields": object{}}
	}
	return http.StatusOK, object{"records": records, "createdRecords": created}
}

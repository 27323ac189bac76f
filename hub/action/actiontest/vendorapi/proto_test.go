package vendorapi_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"integrationhub.dev/hub/action/actiontest/vendorapi"
)

const jobService = `syntax = "proto3";
package google.ads.v9.services;
import "google/ads/v9/common/job.proto";
import "google/api/annotations.proto";
service JobService {
  rpc AddOperations(AddOperationsRequest) returns (AddOperationsResponse) {
    option (google.api.http) = {
      post: "/v9/{resource_name=customers/*/jobs/*}:addOperations"
      body: "*"
    };
  }
  rpc Old(AddOperationsRequest) returns (AddOperationsResponse) {
    option deprecated = true;
    option (google.api.http) = { post: "/v9/{resource_name=old/*}" body: "*" };
  }
}
message AddOperationsRequest {
  string resource_name = 1 [(google.api.field_behavior) = REQUIRED];
  repeated Operation operations = 2 [(google.api.field_behavior) = REQUIRED];
  optional bool validate_only = 3;
  string id = 4 [(google.api.field_behavior) = OUTPUT_ONLY];
}
message Operation {
  oneof operation { google.ads.v9.common.User create = 1; bool remove_all = 2; }
}`

const jobCommon = `syntax = "proto3";
package google.ads.v9.common;
message User {
  string hashed_email = 1;
  string third_party = 2 [deprecated = true];
  int64 transaction_id = 3;
  google.ads.v9.enums.KindEnum.Kind kind = 4;
  google.ads.v9.elsewhere.Unknown anything = 5;
  Level level = 6;
  enum Level { UNSPECIFIED = 0; HIGH = 1; }
}`

func TestProto(t *testing.T) {
	t.Parallel()
	d, err := vendorapi.ParseProto(map[string][]byte{"service.proto": []byte(jobService), "job.proto": []byte(jobCommon)})
	if err != nil {
		t.Fatal(err)
	}
	const (
		add  = "POST /v9/customers/{resource_name_1}/jobs/{resource_name_2}:addOperations"
		path = "customers/1/jobs/2:addOperations"
	)
	tests := map[string]struct {
		at, body string
		want     []vendorapi.Finding
	}{
		"valid": {
			path,
			`{"operations":[{"create":{"hashedEmail":"a","transactionId":"5","kind":"ANY","anything":{"x":1},"level":"HIGH"}},{"remove_all":true}]}`,
			nil,
		},
		"missing member":    {path, `{}`, found(missing, add, "body operations")},
		"unknown member":    {path, `{"operations":[{"update":{}}]}`, found(unknownMember, add, "body operations.0.update")},
		"in the path":       {path, `{"operations":[],"resourceName":"x"}`, found(unknownMember, add, "body resourceName")},
		"wrong type":        {path, `{"operations":[],"validateOnly":"yes"}`, found(invalid, add, "body validateOnly")},
		"output only":       {path, `{"operations":[],"id":"1"}`, found(invalid, add, "body id")},
		"not a number":      {path, `{"operations":[{"create":{"transactionId":"x"}}]}`, invalidUser(add, "transactionId")},
		"unknown value":     {path, `{"operations":[{"create":{"level":"LOW"}}]}`, invalidUser(add, "level")},
		"deprecated member": {path, `{"operations":[{"create":{"thirdParty":"x"}}]}`, deprecatedUser(add)},
		"unknown path":      {"customers/1/jobs/2:run", `{}`, found(unknownPath, "POST /v9/customers/1/jobs/2:run", "")},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := d.Check(vendorapi.Request{
				Method: http.MethodPost, Path: "/v9/" + tt.at, Body: []byte(tt.body),
				Header: http.Header{"Content-Type": {"application/json"}, "Authorization": {"Bearer t"}},
			})
			if diff := cmp.Diff(tt.want, got, cmpopts.IgnoreFields(vendorapi.Finding{}, "Detail"), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("findings (-want +got):\n%s\n%v", diff, got)
			}
		})
	}
}

func invalidUser(operation, field string) []vendorapi.Finding {
	return found(invalid, operation, "body operations.0.create."+field)
}

func deprecatedUser(operation string) []vendorapi.Finding {
	return found(deprecated, operation, "body operations.0.create.thirdParty")
}

const listService = `syntax = "proto3";
package google.ads.v9.services;
import "google/api/annotations.proto";
service ListService {
  rpc Get(GetRequest) returns (List) { option (google.api.http) = { get: "/v9/status:retrieve" }; }
  rpc Create(CreateRequest) returns (List) {
    option (google.api.http) = { post: "/v9/{parent=accounts/*}/lists" body: "user_list" };
  }
}
message GetRequest { string request_id = 1 [(google.api.field_behavior) = REQUIRED]; }
message CreateRequest {
  string parent = 1 [(google.api.field_behavior) = REQUIRED];
  List user_list = 2 [(google.api.field_behavior) = REQUIRED];
  bool validate_only = 3;
}
message List { string display_name = 1 [(google.api.field_behavior) = REQUIRED]; }`

// Fields that are not in the path are in the query, unless the body is the whole message.
func TestProtoQuery(t *testing.T) {
	t.Parallel()
	d, err := vendorapi.ParseProto(map[string][]byte{"list.proto": []byte(listService)})
	if err != nil {
		t.Fatal(err)
	}
	const (
		get    = "GET /v9/status:retrieve"
		create = "POST /v9/accounts/{parent_1}/lists"
	)
	for name, tt := range map[string]struct {
		method, path, query, body string
		want                      []vendorapi.Finding
	}{
		"query":             {method: "GET", path: "status:retrieve", query: "requestId=1"},
		"missing parameter": {method: "GET", path: "status:retrieve", want: found(missing, get, "query requestId")},
		"unknown parameter": {
			method: "GET", path: "status:retrieve", query: "requestId=1&id=2", want: found(vendorapi.UnknownParameter, get, "query id"),
		},
		"field as body":  {method: "POST", path: "accounts/1/lists", query: "validateOnly=true", body: `{"displayName":"x"}`},
		"missing member": {method: "POST", path: "accounts/1/lists", body: `{}`, want: found(missing, create, "body displayName")},
		"whole message as body": {
			method: "POST", path: "accounts/1/lists", body: `{"displayName":"x","userList":{}}`, want: found(unknownMember, create, "body userList"),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			query, err := url.ParseQuery(tt.query)
			if err != nil {
				t.Fatal(err)
			}
			header := http.Header{"Authorization": {"Bearer t"}}
			if tt.body != "" {
				header.Set("Content-Type", "application/json")
			}
			got := d.Check(vendorapi.Request{Method: tt.method, Path: "/v9/" + tt.path, Query: query, Body: []byte(tt.body), Header: header})
			if diff := cmp.Diff(tt.want, got, cmpopts.IgnoreFields(vendorapi.Finding{}, "Detail"), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("findings (-want +got):\n%s\n%v", diff, got)
			}
		})
	}
}

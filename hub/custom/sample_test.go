package custom_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/custom"
	"integrationhub.dev/hub/custom/manifest"
)

// lintText returns the problems of a file, and its integration if there are none.
func lintText(t testing.TB, text string) ([]string, *custom.Integration) {
	t.Helper()
	m, err := manifest.Parse("a.yaml", []byte(text))
	var i *custom.Integration
	if err == nil {
		i, err = custom.Compile(m, custom.Options{})
	}
	if err == nil {
		return nil, i
	}
	problems, ok := err.(manifest.Problems) //nolint:errorlint // it returns no other
	if !ok {
		t.Fatal(err)
	}
	var texts []string
	for _, p := range problems {
		texts = append(texts, p.Field+": "+p.Message)
	}
	return texts, nil
}

// stock is a request per row, with a sample of two rows.
const stock = `
params: [{name: key, required: true, sensitive: true}, {name: shop, required: true}]
form:
  - {name: mode, type: select, options: [{name: set}, {name: add}], default: set}
  - {name: note, validation: [{rule: size(value) < 5, message: The note is too long.}]}
secrets: [{name: token, secretKeyRef: {name: a, key: b}}]
authentication: {bearer: {token: "${secrets.token}"}}
request:
  per: row
  url: https://a.example.com/${params.shop}/${row.tag.sku}
  query: {key: "${params.key}"}
  body: {json: {count: "${int(row.name['stock.count']) + 1}", mode: "${form.mode}"}}
sample:
  params: {shop: "7"}
  columns:
    - {name: stock.sku, tags: [sku], values: [a b, c]}
    - {name: stock.count, label: Count, values: [1, 41]}
`

// The requests of a sample are those that the hub would send, without secrets.
func TestSampleRequests(t *testing.T) {
	t.Parallel()
	problems, i := lintText(t, resource(stock))
	if problems != nil {
		t.Fatal(problems)
	}
	var got []string
	for _, r := range i.SampleRequests() {
		got = append(got, strings.Join([]string{r.Field, r.Method, r.URL, r.Header.Get("Authorization"), r.Body}, " "))
	}
	want := []string{
		`spec.request POST https://a.example.com/7/a%20b?key=params.key Bearer secrets.token {"count":2,"mode":"set"}`,
		`spec.request POST https://a.example.com/7/c?key=params.key Bearer secrets.token {"count":42,"mode":"set"}`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

// A sensitive value of a sample is not shown.
func TestSampleHidesSensitiveSettings(t *testing.T) {
	t.Parallel()
	problems, i := lintText(t, resource(strings.Replace(stock, `shop: "7"`, `shop: "7", key: s3cret-v4lue`, 1)))
	if problems != nil {
		t.Fatal(problems)
	}
	requests := i.SampleRequests()
	if len(requests) != 2 || strings.Contains(requests[0].URL, "s3cret") || !strings.HasPrefix(requests[0].URL, "https://a.example.com/7/a%20b?key=") {
		t.Errorf("the requests show a sensitive setting, or are missing: %+v", requests)
	}
}

// What cannot be made for the sample is a problem with its field and row.
func TestSampleProblems(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		old, with string
		want      []string
	}{
		"no sample": {stock[strings.Index(stock, "sample:"):], "", nil},
		"a row that fails": {
			"[1, 41]", "[1, many]",
			[]string{"spec.request.body.json.count: Evaluation fails for row 2 of the sample: a value cannot be converted."},
		},
		"a wrong type": {
			"int(row.name['stock.count']) + 1", "row.name['stock.count'] + 'a'",
			[]string{"spec.request.body.json.count: Evaluation fails for row 1 of the sample: a value has the wrong type."},
		},
		"an empty path": {"[a b, c]", `[a, ""]`, []string{"spec.request.url: Evaluation fails for row 2 of the sample: a part of the path is empty."}},
		"a URL and a body": {
			"${params.shop}/${row.tag.sku}", "${[params.shop][1]}/${int(row.tag.sku)}",
			[]string{"spec.request.url: Evaluation fails for row 1 of the sample: a list is too short."},
		},
		"a missing tag":    {"tags: [sku]", "tags: [other]", []string{"spec.sample.columns: Query requires a field tagged sku."}},
		"a missing column": {"{name: stock.count,", "{name: stock.counts,", []string{"spec.sample.columns: Query requires the field stock.count."}},
		"too expensive": {
			"int(row.name['stock.count']) + 1", "lists.range(1000).map(x, lists.range(1000).map(y, x * y)).size()",
			[]string{"spec.request.body.json.count: Evaluation fails for row 1 of the sample: it exceeds the cost limit."},
		},
		"uneven columns":    {"[1, 41]", "[1]", []string{"spec.sample.columns[1].values: The column has 1 values, and the first one has 2."}},
		"no list":           {"[1, 41]", "5", []string{"spec.sample.columns[1].values: The value is not a list."}},
		"too many rows":     {"[a b, c]", "[1,2,3,4,5,6,7,8,9,10,11]", []string{"spec.sample.columns[0].values: A sample can have at most 10 rows.", "spec.sample.columns[1].values: The column has 2 values, and the first one has 11."}},
		"no columns":        {stock[strings.Index(stock, "  columns:"):], "", []string{"spec.sample: The request uses rows or columns. Add columns to the sample."}},
		"a missing setting": {`shop: "7"`, "", []string{"spec.sample.params: The sample must have a value for shop, which is required."}},
		"an unknown setting": {
			`shop: "7"`, `shop: "7", shp: a`, []string{"spec.sample.params.shp: There is no shp in spec.params, did you mean shop?"},
		},
		"an unknown field":       {"  columns:", "  form: {x: a}\n  columns:", []string{"spec.sample.form.x: There is no x in spec.form."}},
		"an answer that is none": {"  columns:", "  form: {mode: remove}\n  columns:", []string{"spec.sample.form.mode: mode must be one of the options."}},
		"an answer that is not valid": {
			"  columns:", "  form: {note: too long}\n  columns:", []string{"spec.sample.form.note: The note is too long."},
		},
		"a default that fails": {
			"{name: note, ", `{name: note, default: "${[1][int(params.shop)]}", `, []string{"spec.form.note.default: Evaluation fails for the sample: a list is too short."},
		},
		"a condition that fails": {
			"{name: note, ", `{name: note, when: "[true][int(params.shop)]", `, []string{"spec.form[1].when: Evaluation fails for the sample: a list is too short."},
		},
		"an empty token": {
			"token: \"${secrets.token}\"", "token: \"${form.note}\"",
			[]string{"spec.authentication.bearer.token: Evaluation fails for the sample: The credentials of the integration are empty. Check its settings."},
		},
		"a token that fails": {
			"token: \"${secrets.token}\"", "token: \"${params.shop.split('.')[1]}\"",
			[]string{"spec.authentication.bearer.token: Evaluation fails for the sample: a list is too short."},
		},
		// A secret has a placeholder, which does not have the secret's form.
		"a part of a secret": {"token: \"${secrets.token}\"", "token: \"${secrets.token.split(':')[1]}\"", nil},
		"a part of a secret in a header": {
			"  query:", "  headers: {X-A: \"${secrets.token.split(':')[1]}\"}\n  query:", nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if !strings.Contains(stock, tt.old) {
				t.Fatalf("the file has no %q", tt.old)
			}
			got, _ := lintText(t, resource(strings.Replace(stock, tt.old, tt.with, 1)))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

// Templates per delivery, per batch and per file are evaluated as well.
func TestSampleKinds(t *testing.T) {
	t.Parallel()
	const columns = "\nsample: {columns: [{name: a.n, label: N, values: [1, 2, 3]}]}"
	for name, tt := range map[string]struct {
		spec     string
		problems []string
		want     []string
	}{
		"rows": {
			"request: {url: https://a.example.com/, maxRows: 2, body: {json: {n: '${rows.map(r, r.name[\"a.n\"])}', names: '${columns.map(c, c.type)}'}}}" + columns,
			nil,
			[]string{`POST {"n":[1,2],"names":["number"]}`},
		},
		"batches": {
			"request: {url: https://a.example.com/, per: batch, batch: {maxRows: 2, item: '${row.label.N}'}, body: {json: {n: '${items}', id: '${request.id}', c: '${count}'}}}" + columns,
			nil,
			[]string{`POST {"n":[1,2],"id":"msg_SAMPLE-0-2","c":2}`, `POST {"n":[3],"id":"msg_SAMPLE-2-1","c":1}`},
		},
		"an item that fails": {
			"request: {url: https://a.example.com/, per: batch, batch: {maxRows: 2, item: [{a: '${1 / (2 - row.label.N)}'}]}, body: {json: {n: '${items}'}}}" + columns,
			[]string{"spec.request.batch.item[0].a: Evaluation fails for row 2 of the sample: division by zero."},
			nil,
		},
		"a batch that fails": {
			"request: {url: https://a.example.com/, per: batch, batch: {maxRows: 2, item: 1}, body: {json: {n: '${items}', a: '${1 / (2 - count)}'}}}" + columns,
			[]string{"spec.request.body.json.a: Evaluation fails for the sample: division by zero."},
			nil,
		},
		"a cell": {
			"types: [cell]\nrequest: {method: PUT, url: 'https://a.example.com/', body: {json: {v: '${int(cell) + 1}'}}}\nsample: {cell: '41'}",
			nil,
			[]string{`PUT {"v":42}`},
		},
		"a query and a cell": {
			"types: [query, cell]\nrequest: {url: https://a.example.com/, body: {json: {v: '${cell}', r: '${rows.size()}'}}}\n" +
				"sample: {cell: x, columns: [{name: a, values: [1]}]}",
			nil,
			[]string{`POST {"v":"x","r":1}`, `POST {"v":"x","r":0}`},
		},
		"a file": {
			"formats: [csv]\nrequest: {url: https://a.example.com/, body: {multipart: {fileField: f, filename: '${plan.title}.csv', fields: {a: '${plan.type}'}}}}\nsample: {}",
			nil,
			[]string{"POST a: query\nf: (Looker's file Sample.csv)"},
		},
		"a field beside a file": {
			"request: {url: https://a.example.com/, body: {multipart: {fileField: f, fields: {a: '${int(plan.title)}'}}}}\nsample: {}",
			[]string{"spec.request.body.multipart.fields.a: Evaluation fails for the sample: a value cannot be converted."},
			nil,
		},
		"options": {
			"form: [{name: f, type: select, optionsFrom: {request: {url: 'https://a.example.com/${page}'}, list: body, name: item}}]\n" +
				"request: {method: PUT, url: https://b.example.com/}\nsample: {}",
			nil,
			[]string{"GET ", "PUT "},
		},
		"a token": {
			"params: [{name: aud, required: true}]\nsecrets: [{name: id, secretKeyRef: {name: a, key: b}}]\n" +
				"authentication: {oauth2ClientCredentials: {tokenURL: 'https://a.example.com/', clientID: '${secrets.id}', clientSecret: x, " +
				"params: {audience: '${params.aud}'}, credentialsIn: body}}\n" +
				"request: {method: PUT, url: https://b.example.com/}\nsample: {params: {aud: me}}",
			nil,
			[]string{"POST audience=me&client_id=secrets.id&client_secret=x&grant_type=client_credentials", "PUT "},
		},
		"a token that fails": {
			"authentication: {oauth2ClientCredentials: {tokenURL: 'https://a.example.com/', clientID: a, clientSecret: x, params: {audience: '${int(plan.title)}'}}}\n" +
				"request: {url: https://b.example.com/}\nsample: {}",
			[]string{"spec.authentication.oauth2ClientCredentials.params.audience: Evaluation fails for the sample: a value cannot be converted."},
			nil,
		},
		"options that fail": {
			"form: [{name: f, type: select, optionsFrom: {request: {url: 'https://a.example.com/', query: {p: '${previous.next}'}}, list: body, name: item}}]\n" +
				"request: {url: https://b.example.com/}\nsample: {}",
			[]string{"spec.form[0].optionsFrom.request.query.p: Evaluation fails for the sample: a name does not exist."},
			nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			problems, i := lintText(t, resource(tt.spec))
			if diff := cmp.Diff(tt.problems, problems); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
			var got []string
			if i != nil {
				for _, r := range i.SampleRequests() {
					got = append(got, r.Method+" "+r.Body)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
		})
	}
}

// The answers of a sample are evaluated as those of a delivery, and what a delivery ignores is a problem.
func TestSampleAnswers(t *testing.T) {
	t.Parallel()
	const batch = "request: {url: https://a.example.com/, per: batch, batch: {maxRows: 2, item: 1}, body: {json: '${items}'}}\n" +
		"response: {items: {success: 'body.r[index].ok', error: 'body.r[index].why', retry: 'body.r[index].code == 429'}}\n" +
		"sample: {columns: [{name: a.n, values: [1, 2, 3]}], answers: ["
	const single = "request: {url: https://a.example.com/, per: row, body: {json: {n: 1}}}\n" +
		"response: {success: 'body.ok && headers[\"x-a\"] == form.f && count == 1', error: body.why, message: \"'No. ' + body.id\"}\nform: [{name: f}]\n" +
		"sample: {form: {f: x}, columns: [{name: a.n, values: [1, 2]}], answers: ["
	const statuses = "request: {url: https://a.example.com/}\nresponse: {successStatuses: [202, 409], error: text}\nsample: {answers: ["
	for name, tt := range map[string]struct {
		spec string
		want []string
	}{
		"accepted":     {single + "{status: 200, headers: {X-A: x}, body: {ok: true, id: '7'}, accepted: true}]}", nil},
		"not accepted": {single + "{status: 200, headers: {x-a: x}, body: {ok: false, why: Full.}, accepted: false}]}", nil},
		"an error":     {single + "{status: 400, body: {why: Full.}, accepted: false}]}", nil},
		"no expectation": {
			single + "{status: 200, headers: {X-A: x}, body: {ok: true, id: '7'}}, {status: 500, body: {why: 'Down.'}}]}", nil,
		},
		"success fails": {
			single + "{status: 200, headers: {X-A: x}, body: {}, accepted: false}]}",
			[]string{"spec.response.success: Evaluation fails for answer 1 of the sample: a name does not exist."},
		},
		"a reason that fails": {
			single + "{status: 200, headers: {X-A: x}, body: {ok: true, id: '7'}}, {status: 503, text: Down.}]}",
			[]string{"spec.response.error: Evaluation fails for answer 2 of the sample: a name does not exist."},
		},
		"a message that fails": {
			single + "{status: 200, headers: {X-A: x}, body: {ok: true, id: 7}}]}",
			[]string{"spec.response.message: Evaluation fails for answer 1 of the sample: a value has the wrong type."},
		},
		"another meaning": {
			single + "{status: 200, headers: {X-A: y}, body: {ok: true, why: x}, accepted: true}]}",
			[]string{"spec.sample.answers[0].accepted: By spec.response, the answer means that the destination did not accept the request with all of its items."},
		},
		"an error that is accepted": {
			statuses + "{status: 409, accepted: false}]}",
			[]string{"spec.sample.answers[0].accepted: By spec.response, the answer means that the destination accepted the request with all of its items."},
		},
		"other statuses": {statuses + "{status: 202, accepted: true}, {status: 200, accepted: false}, {status: 302, accepted: false}]}", nil},
		"items":          {batch + "{status: 200, body: {r: [{ok: true}, {ok: true}]}, accepted: true}, {status: 200, body: {r: [{ok: true}, {ok: false, why: x, code: 1}]}, accepted: false}]}", nil},
		"too few items": {
			batch + "{status: 200, body: {r: [{ok: true}]}, accepted: false}]}",
			[]string{"spec.response.items.success: Evaluation fails for answer 1 of the sample: a list is too short."},
		},
		"an item without a reason": {
			batch + "{status: 200, body: {r: [{ok: true}, {ok: false}]}}]}",
			[]string{
				"spec.response.items.error: Evaluation fails for answer 1 of the sample: a name does not exist.",
				"spec.response.items.retry: Evaluation fails for answer 1 of the sample: a name does not exist.",
			},
		},
		"two texts": {statuses + "{status: 202, body: {}, text: x}]}", []string{"spec.sample.answers[0]: Set one of body and text."}},
		"too large": {
			"request: {url: https://a.example.com/}\nresponse: {maxBytes: 1024, message: text}\nsample: {answers: [{status: 200, text: " + strings.Repeat("x", 1025) + "}]}",
			[]string{"spec.sample.answers[0]: The answer has more than 1024 bytes, the maximum of spec.response.maxBytes."},
		},
		"no response": {"request: {url: https://a.example.com/}\nsample: {answers: [{status: 204, accepted: true}, {status: 404, accepted: false}]}", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, _ := lintText(t, resource(tt.spec))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

// Many expressions that are each cheap enough cost too much together: the operator checks what others write.
func TestSampleTotalCost(t *testing.T) {
	t.Parallel()
	const member = `"${lists.range(900).map(x, lists.range(30).size()).size()}"`
	spec := func(n int) string {
		return "request: {url: https://a.example.com/, body: {json: [" + strings.TrimSuffix(strings.Repeat(member+", ", n), ", ") + "]}}\nsample: {}"
	}
	if problems, _ := lintText(t, resource(spec(10))); problems != nil {
		t.Errorf("ten expressions are refused: %q", problems)
	}
	problems, _ := lintText(t, resource(spec(300)))
	if len(problems) != 1 || !strings.HasSuffix(problems[0], "Evaluation fails for the sample: the expressions together exceed the cost limit.") {
		t.Errorf("the cost of 300 expressions is not limited: %q", problems)
	}
}

// What fails whatever the values are is a problem without a sample, too; what depends on them is none.
func TestCertainFailures(t *testing.T) {
	t.Parallel()
	const request = "\nrequest: {url: 'https://a.example.com/'}"
	selection := func(value string) string {
		return "form: [{name: a, type: select, options: [{name: x}, {name: y}], default: '" + value + "'}]" + request
	}
	text := func(value, rule string) string {
		return "params: [{name: p}]\nform: [{name: a, default: '" + value + "', validation: [{rule: \"" + rule + "\", message: Not good.}]}]" + request
	}
	for name, tt := range map[string]struct {
		spec string
		want []string
	}{
		"a default that is an option":       {selection("y"), nil},
		"no default":                        {selection(""), nil},
		"a default that is no option":       {selection("z"), []string{"spec.form[0].default: The default must be one of the options."}},
		"a default that depends on a value": {selection("${plan.title}"), nil},
		"a default that is valid":           {text("a", "value == 'a'"), nil},
		"a default that is not valid":       {text("b", "value == 'a'"), []string{"spec.form[0].default: The default is not valid: Not good."}},
		"a default that cannot be checked": {
			text("b", "int(value) > 1"), []string{"spec.form[0].default: validation[0] cannot check the default: a value cannot be converted."},
		},
		"a rule that depends on a value": {text("b", "value == params.p"), nil},
		"a condition that is a number":   {"response: {success: status}" + request, []string{"spec.response.success: The result is not true or false."}},
		"a condition that may be one":    {"response: {success: body.ok}" + request, nil},
		"a rule that is text":            {text("", "value + 'a'"), []string{"spec.form[0].validation[0].rule: The result is not true or false."}},
		"a message that is an object":    {"response: {message: headers}" + request, []string{"spec.response.message: The result is an object and not text."}},
		"a header that is a list": {
			"request: {url: 'https://a.example.com/', headers: {X-A: \"${plan.title.split(',')}\"}}",
			[]string{"spec.request.headers.X-A: The result is a list and not text."},
		},
		"a path that is a list": {
			"request: {url: \"https://a.example.com/${plan.title.split(',')}\"}", []string{"spec.request.url: The result is a list and not text."},
		},
		"a list in a text of the body": {
			"request: {url: 'https://a.example.com/', body: {json: {a: \"b ${plan.title.split(',')}\"}}}",
			[]string{"spec.request.body.json.a: The result is a list and not text."},
		},
		"a list in the body": {"request: {url: 'https://a.example.com/', body: {json: {a: \"${plan.title.split(',')}\"}}}", nil},
		"options that are no list": {
			"form: [{name: f, type: select, optionsFrom: {request: {url: 'https://a.example.com/'}, list: text, name: item}}]" + request,
			[]string{"spec.form[0].optionsFrom.list: The result is not a list."},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, _ := lintText(t, resource(tt.spec))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

// Copies of a value cost as well, although they cost nothing in CEL: an operator has less memory than a hub.
func TestSampleTotalSize(t *testing.T) {
	t.Parallel()
	spec := func(request string) string {
		value := strings.Repeat("x", 50_000)
		return request + "\nsample: {columns: [{name: a, values: [" + value + ", " + value + "]}]}"
	}
	item := "[" + strings.TrimSuffix(strings.Repeat("'${row.name.a}', ", 250), ", ") + "]"
	header := "{A: '" + strings.Repeat("${row.name.a}", 19) + "'"
	for n := range 15 {
		header += fmt.Sprintf(", A%d: '%s'", n, strings.Repeat("${row.name.a}", 19))
	}
	for name, tt := range map[string]struct{ request, want string }{
		"items": {
			"request: {url: https://a.example.com/, per: batch, batch: {maxRows: 2, maxBytes: 33000000, item: " + item + "}, body: {json: '${items}'}}",
			"Evaluation fails for row 2 of the sample: it is too large.",
		},
		"headers": {
			"request: {url: https://a.example.com/, per: row, headers: " + header + "}}",
			"Evaluation fails for row 2 of the sample: the expressions together exceed the cost limit.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			problems, _ := lintText(t, resource(spec(tt.request)))
			if len(problems) == 0 || !strings.HasSuffix(problems[0], tt.want) {
				t.Errorf("problems %q, want one that ends with %q", problems, tt.want)
			}
		})
	}
}

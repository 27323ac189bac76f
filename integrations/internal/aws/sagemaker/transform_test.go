package sagemaker_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/hub/jobs"
	"integrationhub.dev/integrations/internal/aws/sagemaker"
	"integrationhub.dev/integrations/internal/aws/sagemaker/sagemakertest"
)

var inferForm = answers{"modelName": "churn", "bucket": "data", "awsInstanceType": "ml.m5.xlarge", "numStripColumns": "0"}

// objects are the fake's with the job's name made constant.
func objects(f *sagemakertest.AWS) map[string]string {
	all := map[string]string{}
	for name, body := range f.Objects() {
		all[jobNames.ReplaceAllString(name, "JOB")] = body
	}
	return all
}

// What is uploaded is the result without its header and without the first columns; beside it
// lies the result as it came, to the byte.
func TestTransformInput(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ csv, strip, want string }{
		"nothing stripped":         {"id,a,b\n1,2,3\n4,5,6\n", "0", "1,2,3\n4,5,6\n"},
		"no answer":                {"id,a,b\n1,2,3\n", "", "1,2,3\n"},
		"one column stripped":      {"id,a,b\n1,2,3\n4,5,6\n", "1", "2,3\n5,6\n"},
		"two columns":              {"id,a,b\n1,2,3\n4,5,6\n", "2", "3\n6\n"},
		"no line break at the end": {"id,a\n1,2\n3,4", "1", "2\n4\n"},
		"commas in quotes":         {"id,a\n\"x,y\",2\n", "1", "2\n"},
		"quotes are kept":          {"id,a\n1,\"x,y\"\n2,\"say \"\"hi\"\"\"\n", "1", "\"x,y\"\n\"say \"\"hi\"\"\"\n"},
		"line breaks in quotes":    {"\"id\nno\",a\n\"1\n2\",3\n", "1", "3\n"},
		"CRLF":                     {"id,a\r\n1,2\r\n", "1", "2\n"},
		"beyond ASCII":             {"größe,a\n1,Zürich 東京\n", "1", "Zürich 東京\n"},
		"one column":               {"a\n1\n\"x\ny\"\r\n3\n", "0", "1\n\"x\ny\"\n3\n"},
		"an empty cell":            {"id,a,b\n1,,\n", "1", ",\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := sagemakertest.NewHub(t, 1)
				req := sagemakertest.Request(t, tt.csv, inferForm, answers{"numStripColumns": tt.strip})
				if _, err := sagemaker.New(h.Deps()).Infer(t.Context(), req); err != nil {
					t.Fatal(err)
				}
				h.Watches.Drain(context.Background())
				want := map[string]string{"data/JOB/transform-input": tt.want, "data/JOB/transform-raw": tt.csv}
				if diff := cmp.Diff(want, objects(h.AWS)); diff != "" {
					t.Errorf("objects (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// A result of many parts arrives whole in both objects, and goes to the model in batches.
func TestTransformLarge(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var raw, want strings.Builder
		raw.WriteString("id,value\n")
		for n := range 400_000 {
			fmt.Fprintf(&raw, "%d,%d.25 and more\n", n, n*7)
			fmt.Fprintf(&want, "%d.25 and more\n", n*7)
		}
		h := sagemakertest.NewHub(t, 1)
		c := sagemaker.New(h.Deps())
		req := sagemakertest.Request(t, raw.String(), inferForm, answers{"numStripColumns": "1"})
		if _, err := c.Infer(t.Context(), req); err != nil {
			t.Fatal(err)
		}
		h.Watches.Drain(context.Background())
		got := objects(h.AWS)
		if got["data/JOB/transform-input"] != want.String() || got["data/JOB/transform-raw"] != raw.String() || h.AWS.Count("UploadPart") < 2 {
			t.Errorf("%d and %d bytes arrived in %d parts", len(got["data/JOB/transform-input"]), len(got["data/JOB/transform-raw"]), h.AWS.Count("UploadPart"))
		}
		for _, part := range []string{`"BatchStrategy":"MultiRecord"`, `"SplitType":"Line"`, `"AssembleWith":"Line"`} {
			if sent := h.AWS.Requests("CreateTransformJob")[0]; !strings.Contains(sent, part) {
				t.Errorf("%s lacks %s", sent, part)
			}
		}
	})
}

func TestTransform(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		statuses []string
		change   answers
		message  string
		mails    []letter
		outcomes []jobs.Outcome
	}{
		"complete": {
			append(slices.Repeat([]string{"InProgress"}, 500), "Completed"), nil, "Transform job JOB was started.",
			[]letter{{"Transform job JOB is complete", "Transform job JOB is complete. What was inferred is in s3://data/JOB/transform-output."}},
			[]jobs.Outcome{jobs.Completed},
		},
		"failed": {
			[]string{"Failed"},
			nil, "Transform job JOB was started.",
			[]letter{{"Transform job JOB failed", "Transform job JOB failed: The model =3D 1."}},
			[]jobs.Outcome{jobs.Completed},
		},
		"stopped": {
			[]string{"Stopping", "Stopped"},
			nil, "Transform job JOB was started.",
			[]letter{{"Transform job JOB was stopped", "Transform job JOB was stopped."}},
			[]jobs.Outcome{jobs.Completed},
		},
		"no recipient": {
			[]string{"Completed"}, answers{"smtpFrom": "x"}, "Transform job JOB was started. No mail will be sent: SMTP From is not an e-mail address.", nil, nil,
		},
		"no port": {
			[]string{"Completed"}, answers{"smtpPort": "70000"}, "Transform job JOB was started. No mail will be sent: SMTP Port is not a port.", nil, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := sagemakertest.NewHub(t, 1)
				h.AWS.Statuses, h.AWS.Reason = tt.statuses, "The model = 1."
				res, err := sagemaker.New(h.Deps()).Infer(t.Context(), sagemakertest.Request(t, csv, inferForm, tt.change))
				if err != nil {
					t.Fatal(err)
				}
				if got := jobNames.ReplaceAllString(res.Message, "JOB"); got != tt.message {
					t.Errorf("answered %q, want %q", got, tt.message)
				}
				h.Watches.Drain(context.Background())
				if diff := cmp.Diff(tt.mails, letters(t, h.Mail.Mails())); diff != "" {
					t.Errorf("mails (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(tt.outcomes, h.Outcomes()); diff != "" {
					t.Errorf("outcomes (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// STARTTLS is for the ports that are known for it.
func TestMailPorts(t *testing.T) {
	t.Parallel()
	for port, implicit := range map[string]bool{"465": true, "2465": true, "587": false, "25": false, "2587": false} {
		t.Run(port, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := sagemakertest.NewHub(t, 1)
				h.Mail.Speak(t, implicit)
				if _, err := sagemaker.New(h.Deps()).Infer(t.Context(), sagemakertest.Request(t, csv, inferForm, answers{"smtpPort": port})); err != nil {
					t.Fatal(err)
				}
				h.Watches.Drain(context.Background())
				if n := len(h.Mail.Mails()); n != 1 || h.Mail.Dialled()[0] != "example.com:"+port {
					t.Errorf("%d mails by %v", n, h.Mail.Dialled())
				}
			})
		})
	}
}

// Whatever fails, no job is started with a part of the data, and no upload is left.
func TestTransformFails(t *testing.T) {
	t.Parallel()
	rows := strings.Repeat("1,2\n", 20_000)
	serve := func(body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }
	}
	for name, tt := range map[string]struct {
		serve   http.HandlerFunc
		strip   string
		fail    func(operation string, nth int) *actiontest.Reply
		message string
	}{
		"breaks off":      {actiontest.BrokenDownload("a,b\n" + rows), "0", nil, "The download from Looker broke off before the data was complete."},
		"a bad row late":  {serve("a,b\n" + rows + "1\n"), "0", nil, "Row 20001 does not have the 2 columns that the first line names."},
		"no column left":  {serve("a,b\n" + rows), "2", nil, "The result has 2 columns: none is left for the model."},
		"too many":        {serve("a,b\n" + rows), "3", nil, "Param numStripColumns: 3 is out of range: 0 - 2"},
		"an empty row":    {serve("a\n1\n\n2\n"), "0", nil, "Row 2 is empty: in a result of one column it looks like a missing row. Fill it, or add a column."},
		"an empty end":    {serve("a\n1\n\n"), "0", nil, "Row 2 is empty: in a result of one column it looks like a missing row. Fill it, or add a column."},
		"no rows":         {serve("a,b\n"), "0", nil, "Looker sent no rows."},
		"a part fails":    {serve("a,b\n" + rows), "1", failing("UploadPart", sagemakertest.S3Error(403, "AccessDenied")), "Amazon S3 denied access. The access key needs s3:PutObject and s3:AbortMultipartUpload on the bucket, and the use of its encryption key if it has one."},
		"the model's job": {serve("a,b\n1,2\n"), "1", failing("CreateTransformJob", sagemakertest.Error(400, "ValidationException", "Could not find model \"arn\".")), `Amazon SageMaker refuses: Could not find model "arn". (ValidationException)`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := sagemakertest.NewHub(t, 1)
			h.AWS.Fail = tt.fail
			c := sagemaker.New(h.Deps())
			sagemaker.Small(c)
			req := actiontest.Download(t, sagemakertest.Request(t, csv, inferForm, answers{"numStripColumns": tt.strip}), tt.serve)
			_, err := c.Infer(t.Context(), req)
			if action.MessageOf(err) != tt.message {
				t.Errorf("error %v, want %q", err, tt.message)
			}
			if tt.fail == nil && (h.AWS.Count("CreateTransformJob") != 0 || len(h.AWS.Objects()) != 0) || h.AWS.Uploads() != 0 {
				t.Errorf("%v, objects %v, %d uploads left", h.AWS.Operations(), objects(h.AWS), h.AWS.Uploads())
			}
		})
	}
}

func failing(operation string, r actiontest.Reply) func(string, int) *actiontest.Reply {
	return func(o string, _ int) *actiontest.Reply {
		if o == operation {
			return &r
		}
		return nil
	}
}

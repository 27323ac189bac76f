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

// objects returns the fake's objects, with JOB in place of the job's name.
func objects(f *sagemakertest.AWS) map[string]string {
	all := map[string]string{}
	for name, body := range f.Objects() {
		all[jobNames.ReplaceAllString(name, "JOB")] = body
	}
	return all
}

// The input is the result without its header and first columns. The unchanged result is uploaded too.
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
		"not ASCII":                {"größe,a\n1,Zürich 東京\n", "1", "Zürich 東京\n"},
		"one column":               {"a\n1\n\"x\ny\"\r\n3\n", "0", "1\n\"x\ny\"\n3\n"},
		"empty value":              {"id,a,b\n1,,\n", "1", ",\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := sagemakertest.NewHub(t, 1)
				req := sagemakertest.Request(t, tt.csv, inferForm, answers{"numStripColumns": tt.strip})
				if _, err := sagemaker.MustNew(h.Deps()).Infer(t.Context(), req); err != nil {
					t.Fatal(err)
				}
				h.Jobs.Drain(context.Background())
				want := map[string]string{"data/JOB/transform-input": tt.want, "data/JOB/transform-raw": tt.csv}
				if diff := cmp.Diff(want, objects(h.AWS)); diff != "" {
					t.Errorf("objects (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// A large result is uploaded in parts to both objects, and sent to the model in batches.
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
		c := sagemaker.MustNew(h.Deps())
		req := sagemakertest.Request(t, raw.String(), inferForm, answers{"numStripColumns": "1"})
		if _, err := c.Infer(t.Context(), req); err != nil {
			t.Fatal(err)
		}
		h.Jobs.Drain(context.Background())
		got := objects(h.AWS)
		if input := got["data/JOB/transform-input"]; input != want.String() {
			t.Errorf("the input has %d bytes, want other %d", len(input), want.Len())
		}
		if unchanged := got["data/JOB/transform-raw"]; unchanged != raw.String() {
			t.Errorf("the unchanged result has %d bytes, want other %d", len(unchanged), raw.Len())
		}
		if parts := h.AWS.Count("UploadPart"); parts < 2 {
			t.Errorf("%d parts, want several", parts)
		}
		for _, part := range []string{`"BatchStrategy":"MultiRecord"`, `"SplitType":"Line"`, `"AssembleWith":"Line"`} {
			if sent := h.AWS.Requests("CreateTransformJob")[0]; !strings.Contains(sent, part) {
				t.Errorf("%s lacks %s", sent, part)
			}
		}
	})
}

// SageMaker cuts large data at each line break, even at one in quotes. A job with rows that are cut is not started:
// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_TransformInput.html
func TestTransformLineBreaks(t *testing.T) {
	t.Parallel()
	rows := strings.Repeat("1,2,\"one, two, three, four, five, six, seven, eight, nine and ten\"\n", 100_000) // 6.6 MB
	for name, tt := range map[string]struct{ csv, strip, want string }{
		"before the limit": {"id,a,b\n1,\"x\ny\",3\n" + rows, "0", `Row 1: column "a"`},
		"after the limit":  {"id,a,b\n" + rows + "1,2,\"x\r\ny\"\n", "1", `Row 100001: column "b"`},
		"stripped":         {"id,a,b\n\"x\ny\",2,3\n" + rows, "1", ""},
		"below the limit":  {"id,a,b\n1,\"x\ny\",3\n" + rows[:len(rows)/2], "0", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := sagemakertest.NewHub(t, 1)
				req := sagemakertest.Request(t, tt.csv, inferForm, answers{"numStripColumns": tt.strip})
				_, err := sagemaker.MustNew(h.Deps()).Infer(t.Context(), req)
				h.Jobs.Drain(context.Background())
				got, jobs, objects := action.MessageOf(err), h.AWS.Count("CreateTransformJob"), len(h.AWS.Objects())
				if tt.want == "" {
					if err != nil || jobs != 1 {
						t.Errorf("error %v and %d jobs, want a job", err, jobs)
					}
					return
				}
				want := tt.want + " has a line break. SageMaker cuts data of more than 6 MiB at each line break. Remove those in values, or " +
					"send fewer rows."
				if got != want || action.KindOf(err) != action.Invalid || jobs != 0 || objects != 0 {
					t.Errorf("message %q, %d jobs and %d objects, want %q without either", got, jobs, objects, want)
				}
			})
		})
	}
}

func TestTransform(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		statuses []string
		change   answers
		message  string
		mails    []mailText
		outcomes []jobs.Outcome
	}{
		"complete": {
			statuses: append(slices.Repeat([]string{"InProgress"}, 500), "Completed"), message: "Transform job JOB was started.",
			mails: []mailText{{
				Subject: "Transform job JOB is complete",
				Text:    "Transform job JOB is complete. The results are in s3://data/JOB/transform-output.",
			}},
			outcomes: []jobs.Outcome{jobs.Completed},
		},
		"failed": {
			statuses: []string{"Failed"}, message: "Transform job JOB was started.",
			mails:    []mailText{{Subject: "Transform job JOB failed", Text: "Transform job JOB failed: The model =3D 1."}},
			outcomes: []jobs.Outcome{jobs.Completed},
		},
		"stopped": {
			statuses: []string{"Stopping", "Stopped"}, message: "Transform job JOB was started.",
			mails:    []mailText{{Subject: "Transform job JOB was stopped", Text: "Transform job JOB was stopped."}},
			outcomes: []jobs.Outcome{jobs.Completed},
		},
		"invalid sender": {
			statuses: []string{"Completed"}, change: answers{"smtpFrom": "x"},
			message: "Transform job JOB was started. No mail will be sent: SMTP From is not an email address.",
		},
		"invalid port": {
			statuses: []string{"Completed"}, change: answers{"smtpPort": "70000"},
			message: "Transform job JOB was started. No mail will be sent: SMTP Port must be a number from 1 to 65535.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := sagemakertest.NewHub(t, 1)
				h.AWS.Statuses, h.AWS.Reason = tt.statuses, "The model = 1."
				res, err := sagemaker.MustNew(h.Deps()).Infer(t.Context(), sagemakertest.Request(t, csv, inferForm, tt.change))
				if err != nil {
					t.Fatal(err)
				}
				if got := jobNames.ReplaceAllString(res.Message, "JOB"); got != tt.message {
					t.Errorf("message %q, want %q", got, tt.message)
				}
				h.Jobs.Drain(context.Background())
				if diff := cmp.Diff(tt.mails, mailTexts(t, h.Mail.Mails())); diff != "" {
					t.Errorf("mails (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(tt.outcomes, h.Outcomes()); diff != "" {
					t.Errorf("outcomes (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// STARTTLS is used only on its usual ports.
func TestMailPorts(t *testing.T) {
	t.Parallel()
	for port, implicit := range map[string]bool{"465": true, "2465": true, "587": false, "25": false, "2587": false} {
		t.Run(port, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := sagemakertest.NewHub(t, 1)
				h.Mail.Speak(t, implicit)
				req := sagemakertest.Request(t, csv, inferForm, answers{"smtpPort": port})
				if _, err := sagemaker.MustNew(h.Deps()).Infer(t.Context(), req); err != nil {
					t.Fatal(err)
				}
				h.Jobs.Drain(context.Background())
				if got := len(h.Mail.Mails()); got != 1 {
					t.Errorf("%d mails, want 1", got)
				}
				if got, want := h.Mail.Dialled()[0], "example.com:"+port; got != want {
					t.Errorf("connected to %s, want %s", got, want)
				}
			})
		})
	}
}

// After an error, no job is started with truncated data, and no upload is left.
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
		"truncated download":        {actiontest.BrokenDownload("a,b\n" + rows), "0", nil, "The download from Looker ended before the data was complete."},
		"invalid last row":          {serve("a,b\n" + rows + "1\n"), "0", nil, "Row 20001 does not have 2 columns like the header."},
		"no column left":            {serve("a,b\n" + rows), "2", nil, "The result has 2 columns, so no column is left for the model."},
		"too many columns stripped": {serve("a,b\n" + rows), "3", nil, "Param numStripColumns: 3 is out of range: 0 - 2"},
		"empty row":                 {serve("a\n1\n\n2\n"), "0", nil, "Row 2 is empty. In a result of one column, SageMaker would skip it. Fill it or add a column."},
		"empty last row":            {serve("a\n1\n\n"), "0", nil, "Row 2 is empty. In a result of one column, SageMaker would skip it. Fill it or add a column."},
		"no rows":                   {serve("a,b\n"), "0", nil, "Looker sent no rows."},
		"part denied":               {serve("a,b\n" + rows), "1", failing("UploadPart", sagemakertest.S3Error(403, "AccessDenied")), "Amazon S3 denied access. The access key needs s3:PutObject and s3:AbortMultipartUpload on the bucket, and the use of its encryption key if it has one."},
		"job rejected":              {serve("a,b\n1,2\n"), "1", failing("CreateTransformJob", sagemakertest.Error(400, "ValidationException", "Could not find model \"arn\".")), `Amazon SageMaker rejected the request: Could not find model "arn". (ValidationException)`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := sagemakertest.NewHub(t, 1)
			h.AWS.Fail = tt.fail
			c := sagemaker.MustNew(h.Deps())
			sagemaker.WithSmallParts(c)
			req := actiontest.Download(t, sagemakertest.Request(t, csv, inferForm, answers{"numStripColumns": tt.strip}), tt.serve)
			_, err := c.Infer(t.Context(), req)
			if action.MessageOf(err) != tt.message {
				t.Errorf("error %v, want %q", err, tt.message)
			}
			if left := h.AWS.Uploads(); left != 0 {
				t.Errorf("%d uploads left, want none", left)
			}
			if tt.fail != nil {
				return
			}
			if got := h.AWS.Count("CreateTransformJob"); got != 0 {
				t.Errorf("%d jobs were started, want none", got)
			}
			if got := objects(h.AWS); len(got) != 0 {
				t.Errorf("objects %v, want none", got)
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

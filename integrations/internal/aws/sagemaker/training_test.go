package sagemaker_test

import (
	"context"
	"errors"
	"maps"
	"net"
	"net/http"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/hub/jobs"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/aws/sagemaker"
	"integrationhub.dev/integrations/internal/aws/sagemaker/sagemakertest"
	"integrationhub.dev/integrations/internal/mail/mailtest"
)

const (
	csv      = "churned,age,spent\n1,40,12.5\n0,33,\n"
	withRows = "1,40,12.5\n0,33,\n"
)

type answers = map[string]string

var trainForm = answers{"modelName": "orders", "bucket": "data", "awsInstanceType": "ml.m5.xlarge", "kind": "a"}

// trainRequest returns a request for a training, which has no parameter for the region.
func trainRequest(t *testing.T, csv string, change answers) *action.Request {
	t.Helper()
	all := answers{"region": ""}
	maps.Copy(all, change)
	return sagemakertest.Request(t, csv, trainForm, all)
}

func trainer(h *sagemakertest.Hub) sagemaker.Trainer {
	return sagemaker.Trainer{
		Client: sagemaker.MustNew(h.Deps()), Algorithm: sagemaker.LinearLearner, Columns: "feature_dim",
		Task: sagemaker.Task{
			Field: "kind", Parameter: "kind", Label: "Kind", Kinds: []sagemaker.Kind{{Name: "a", Sent: "a"}},
		},
		Rounds: sagemaker.Rounds{Field: "rounds", Parameter: "rounds", Default: 1},
	}
}

// mailText is the text of a mail, with JOB in place of the job's name.
type mailText struct{ Subject, Text string }

var jobNames = regexp.MustCompile(`(orders|transform-job)-\d{12,13}-[a-z2-7]{4}`)

func mailTexts(t *testing.T, mails []mailtest.Delivered) []mailText {
	t.Helper()
	var all []mailText
	for _, m := range mails {
		msg, err := mail.ReadMessage(strings.NewReader(m.Data))
		if err != nil {
			t.Fatal(err)
		}
		var body strings.Builder
		if _, err := strings.NewReader(m.Data[strings.Index(m.Data, "\r\n\r\n")+4:]).WriteTo(&body); err != nil {
			t.Fatal(err)
		}
		text := strings.ReplaceAll(strings.ReplaceAll(body.String(), "=\r\n", ""), "\r\n", "\n")
		all = append(all, mailText{jobNames.ReplaceAllString(msg.Header.Get("Subject"), "JOB"), jobNames.ReplaceAllString(strings.TrimSpace(text), "JOB")})
		want := mailtest.Delivered{From: "looker@example.com", To: []string{"ann@example.com"}, User: mailtest.Username, Data: m.Data}
		if diff := cmp.Diff(want, m); diff != "" {
			t.Errorf("envelope (-want +got):\n%s", diff)
		}
	}
	return all
}

// The response comes once the job is accepted. Then it is followed, and the outcome is mailed.
func TestTraining(t *testing.T) {
	t.Parallel()
	inProgress := slices.Repeat([]string{"InProgress"}, 500) // more than four hours
	jobName := regexp.MustCompile(`^orders-\d{12,13}-[a-z2-7]{4}$`)
	for name, tt := range map[string]struct {
		set     func(*sagemakertest.AWS)
		change  answers
		mails   []mailText
		outcome jobs.Outcome
		models  []string
	}{
		"complete": {
			set: func(f *sagemakertest.AWS) { f.Statuses = append(inProgress, "Completed") },
			mails: []mailText{{
				Subject: "The model orders has been created",
				Text:    "The model orders has been created by training job JOB.\n\nThe model artifacts are in s3://data/JOB/output/model.tar.gz.",
			}},
			outcome: jobs.Completed, models: []string{"churn", "orders"},
		},
		"model name in use": {
			set: func(f *sagemakertest.AWS) { f.Models["orders"] = "s3://data/old" },
			mails: []mailText{{
				Subject: "The model JOB has been created",
				Text:    "The model JOB has been created by training job JOB. The name orders is already in use.\n\nThe model artifacts are in s3://data/JOB/output/model.tar.gz.",
			}},
			outcome: jobs.Completed, models: []string{"JOB", "churn", "orders"},
		},
		"lost response to CreateModel": {
			set: func(f *sagemakertest.AWS) {
				f.Lose = func(o string, n int) bool { return o == "CreateModel" && n == 1 }
			},
			mails: []mailText{{
				Subject: "The model orders has been created",
				Text:    "The model orders has been created by training job JOB.\n\nThe model artifacts are in s3://data/JOB/output/model.tar.gz.",
			}},
			outcome: jobs.Completed, models: []string{"churn", "orders"},
		},
		"CreateModel denied": {
			set: func(f *sagemakertest.AWS) {
				f.Fail = func(o string, _ int) *actiontest.Reply {
					if o == "CreateModel" {
						r := sagemakertest.Error(400, "AccessDeniedException", "User: arn:aws:iam::123456789012:user/x is not authorized")
						return &r
					}
					return nil
				}
			},
			mails: []mailText{{
				Subject: "The model orders could not be created",
				Text: "Training job JOB is complete, but the model orders could not be created: Amazon SageMaker denied access. The " +
					"access key or role lacks a permission for sagemaker:CreateModel.\n\nThe model artifacts are in " +
					"s3://data/JOB/output/model.tar.gz. The image is 438346466558.dkr.ecr.eu-west-1.amazonaws.com/linear-learner:1.",
			}},
			outcome: jobs.Failed, models: []string{"churn"},
		},
		"failed": {
			set: func(f *sagemakertest.AWS) {
				f.Statuses, f.Reason = []string{"InProgress", "Failed"}, "ClientError: no."
			},
			mails: []mailText{{
				Subject: "Training job JOB failed",
				Text:    "Training job JOB failed: ClientError: no.",
			}},
			outcome: jobs.Completed, models: []string{"churn"},
		},
		"stopped": {
			set: func(f *sagemakertest.AWS) { f.Statuses, f.Secondary = []string{"Stopping", "Stopped"}, "Stopped" },
			mails: []mailText{{
				Subject: "Training job JOB was stopped",
				Text:    "Training job JOB was stopped.",
			}},
			outcome: jobs.Completed, models: []string{"churn"},
		},
		"maximum run time exceeded": {
			set: func(f *sagemakertest.AWS) {
				f.Statuses, f.Secondary = append(inProgress, "Stopped"), "MaxRuntimeExceeded"
			},
			change: answers{"maxRuntimeInHours": "3"},
			mails: []mailText{{
				Subject: "Training job JOB timed out",
				Text:    "Training job JOB exceeded the maximum run time of 10800 seconds.",
			}},
			outcome: jobs.Completed, models: []string{"churn"},
		},
		"polling fails temporarily": {
			set: func(f *sagemakertest.AWS) {
				f.Fail = func(o string, n int) *actiontest.Reply {
					if o == "DescribeTrainingJob" && n < 40 {
						return &actiontest.Reply{Status: http.StatusServiceUnavailable}
					}
					return nil
				}
			},
			mails: []mailText{{
				Subject: "The model orders has been created",
				Text:    "The model orders has been created by training job JOB.\n\nThe model artifacts are in s3://data/JOB/output/model.tar.gz.",
			}},
			outcome: jobs.Completed, models: []string{"churn", "orders"},
		},
		"polling fails": {
			set: func(f *sagemakertest.AWS) {
				f.Fail = func(o string, _ int) *actiontest.Reply {
					if o == "DescribeTrainingJob" {
						r := sagemakertest.Error(400, "UnrecognizedClientException", "The security token included in the request is invalid.")
						return &r
					}
					return nil
				}
			},
			mails: []mailText{{
				Subject: "Training job JOB is no longer followed",
				Text:    "Training job JOB continues in Amazon SageMaker, but the hub stopped monitoring it: Amazon SageMaker does not recognize this access key. Check it in the action's settings in Looker.\n\nCheck it in the SageMaker console. The hub will not do what was planned after the job.",
			}},
			outcome: jobs.Failed, models: []string{"churn"},
		},
		"mail server rejects the login": {
			set:    func(*sagemakertest.AWS) {},
			change: answers{"smtpPass": "wrong"}, outcome: jobs.Failed, models: []string{"churn", "orders"},
		},
		"recipients as Outlook copies them": {
			set:    func(f *sagemakertest.AWS) { f.Statuses = []string{"Completed"} },
			change: answers{"user_email": "Doe, Ann <ann@example.com>;\u00a0Ann@example.com\n", "smtpFrom": "Acme, Inc. <looker@example.com>"},
			mails: []mailText{{
				Subject: "The model orders has been created",
				Text:    "The model orders has been created by training job JOB.\n\nThe model artifacts are in s3://data/JOB/output/model.tar.gz.",
			}},
			outcome: jobs.Completed, models: []string{"churn", "orders"},
		},
		"invalid mail settings": {
			set:    func(*sagemakertest.AWS) {},
			change: answers{"user_email": "not-an-address"}, outcome: jobs.Completed, models: []string{"churn", "orders"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := sagemakertest.NewHub(t, 1)
				tt.set(h.AWS)
				start := time.Now()
				res, err := trainer(h).Execute(t.Context(), trainRequest(t, csv, tt.change))
				if err != nil {
					t.Fatal(err)
				}
				want := "Training job JOB was started."
				if tt.change["user_email"] == "not-an-address" {
					want += " No mail will be sent: Looker User Email: This is not a valid e-mail address: not-an-address"
				}
				if got := jobNames.ReplaceAllString(res.Message, "JOB"); got != want {
					t.Errorf("message %q, want %q", got, want)
				}
				if took := time.Since(start); took != 0 {
					t.Errorf("the response took %v, want none", took)
				}
				if left := h.Jobs.Drain(context.Background()); left != 0 {
					t.Errorf("%d jobs were interrupted, want none", left)
				}
				if diff := cmp.Diff(tt.mails, mailTexts(t, h.Mail.Mails())); diff != "" {
					t.Errorf("mails (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff([]jobs.Outcome{tt.outcome}, h.Outcomes()); diff != "" {
					t.Errorf("outcome (-want +got):\n%s", diff)
				}
				var models []string
				for m := range h.AWS.Models {
					if jobName.MatchString(m) {
						m = "JOB"
					}
					models = append(models, m)
				}
				slices.Sort(models)
				if diff := cmp.Diff(tt.models, models); diff != "" {
					t.Errorf("models (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// A hub that shuts down mails that it no longer follows the job.
func TestHubShutsDown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := sagemakertest.NewHub(t, 1)
		h.AWS.Statuses = []string{"InProgress"}
		if _, err := trainer(h).Execute(t.Context(), trainRequest(t, csv, nil)); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
		defer cancel()
		start := time.Now()
		if left := h.Jobs.Drain(ctx); left != 1 {
			t.Errorf("%d jobs were interrupted, want 1", left)
		}
		if took := time.Since(start); took != 15*time.Minute {
			t.Errorf("the jobs were drained for %v, want 15m", took)
		}
		want := []mailText{{
			Subject: "Training job JOB is no longer followed",
			Text:    "Training job JOB continues in Amazon SageMaker, but the hub stopped monitoring it: the hub stopped before the job ended.\n\nCheck it in the SageMaker console. The hub will not do what was planned after the job.",
		}}
		if diff := cmp.Diff(want, mailTexts(t, h.Mail.Mails())); diff != "" {
			t.Errorf("mails (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]jobs.Outcome{jobs.Interrupted}, h.Outcomes()); diff != "" {
			t.Errorf("outcome (-want +got):\n%s", diff)
		}
	})
}

// If the hub cannot follow another job, none is started.
func TestJobLimit(t *testing.T) {
	t.Parallel()
	h := sagemakertest.NewHub(t, 0)
	_, err := trainer(h).Execute(t.Context(), trainRequest(t, csv, nil))
	if got := action.KindOf(err); got != action.RateLimited {
		t.Errorf("error %v of kind %v, want %v", err, got, action.RateLimited)
	}
	if got := h.AWS.Operations(); len(got) != 0 {
		t.Errorf("operations %v, want none", got)
	}
}

// If the response to the start of a job is lost, it is started once, and followed.
func TestLostResponseToStart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := sagemakertest.NewHub(t, 1)
		h.AWS.Lose = func(o string, n int) bool { return o == "CreateTrainingJob" && n == 1 }
		if _, err := trainer(h).Execute(t.Context(), trainRequest(t, csv, nil)); err != nil {
			t.Fatal(err)
		}
		h.Jobs.Drain(context.Background())
		if got := h.AWS.Count("CreateTrainingJob"); got != 2 {
			t.Errorf("%d calls, want 2", got)
		}
		if got := len(h.Mail.Mails()); got != 1 {
			t.Errorf("%d mails, want 1", got)
		}
	})
}

func TestTrainingFails(t *testing.T) {
	t.Parallel()
	fails := func(operation string, r actiontest.Reply) func(*sagemakertest.AWS) {
		return func(f *sagemakertest.AWS) {
			f.Fail = func(o string, _ int) *actiontest.Reply {
				if o == operation {
					return &r
				}
				return nil
			}
		}
	}
	for name, tt := range map[string]struct {
		csv     string // a valid result if it is not set
		empty   bool   // the result is empty
		change  answers
		set     func(*sagemakertest.AWS)
		kind    action.Kind
		message string
	}{
		"no model name": {
			change: answers{"modelName": ""}, kind: action.Invalid,
			message: `"modelName" is required.`,
		},
		"invalid model name": {
			change: answers{"modelName": "a/b"}, kind: action.Invalid,
			message: `"modelName" must have at most 63 letters, digits and hyphens.`,
		},
		"no bucket": {
			change: answers{"bucket": ""}, kind: action.Invalid,
			message: `"bucket" is required.`,
		},
		"no instance type": {
			change: answers{"awsInstanceType": ""}, kind: action.Invalid,
			message: `"awsInstanceType" is required.`,
		},
		"no role": {
			change: answers{"roleArn": ""}, kind: action.Invalid,
			message: `"roleArn" is required.`,
		},
		"too many instances": {
			change: answers{"numInstances": "501"}, kind: action.Invalid,
			message: "Param numInstances: 501 is out of range: 1 - 500",
		},
		"fractional number of instances": {
			change: answers{"numInstances": "1.5"}, kind: action.Invalid,
			message: "Param numInstances must be a whole number.",
		},
		"run time too long": {
			change: answers{"maxRuntimeInHours": "73"}, kind: action.Invalid,
			message: "Param maxRuntimeInHours: 73 is out of range: 1 - 72",
		},
		"unknown bucket": {
			change: answers{"bucket": "other"}, kind: action.NotFound,
			message: "The bucket does not exist.",
		},
		"unknown region": {
			set: func(f *sagemakertest.AWS) { f.Buckets["data"] = "mars-north-1" }, kind: action.Invalid,
			message: "The algorithm is not available in mars-north-1, the region of the bucket. Choose a bucket in another region.",
		},
		"wrong secret key": {
			change: answers{"secretAccessKey": "other"}, kind: action.Unauthenticated,
			message: "Amazon S3 rejected the request's signature. Check the secret key in the action's settings in Looker.",
		},
		"clock of the hub": {
			set: func(f *sagemakertest.AWS) {
				f.Fail = func(o string, _ int) *actiontest.Reply {
					if o != "CreateTrainingJob" {
						return nil
					}
					r := sagemakertest.Error(400, "InvalidSignatureException", "Signature not yet current: 20261126T080000Z is still later than 20261126T074514Z")
					return &r
				}
			}, kind: action.Internal,
			message: "Amazon SageMaker rejects the hub's requests because the hub's clock is wrong.",
		},
		"no rows": {
			csv: "a,b\n", kind: action.Invalid,
			message: "Looker sent no rows.",
		},
		"no data": {
			empty: true, kind: action.Invalid,
			message: "Looker sent no rows.",
		},
		"one column": {
			csv: "a\n1\n", kind: action.Invalid,
			message: "Training needs at least two columns: the label and a feature.",
		},
		"text in a column": {
			csv: "a,b\n1,2\n3,York\n", kind: action.Invalid,
			message: `Row 2: column "b" is not a number. Training data must be numbers, with the label first.`,
		},
		"row without a label": {
			csv: "a,b\n,2\n", kind: action.Invalid,
			message: `Row 1: column "a" is empty, but it is the label. Training data must be numbers, with the label first.`,
		},
		"row with too many values": {
			csv: "a,b\n1,2\n1,2,3\n", kind: action.Invalid,
			message: "Row 2 does not have 2 columns like the header.",
		},
		"invalid CSV": {
			csv: "a,b\n1,\"2\n", kind: action.Invalid,
			message: `Line 2 is not valid CSV: extraneous or missing " in quoted-field.`,
		},
		"training denied": {
			set: fails("CreateTrainingJob", sagemakertest.Error(400, "AccessDeniedException", "User: x is not authorized")), kind: action.Forbidden,
			message: "Amazon SageMaker denied access. The access key or role lacks a permission for sagemaker:CreateTrainingJob.",
		},
		"limit exceeded": {
			set: fails("CreateTrainingJob", sagemakertest.Error(400, "ResourceLimitExceeded", "The account-level service limit is 0 Instances.")), kind: action.Invalid,
			message: "Amazon SageMaker rejected the request: The account-level service limit is 0 Instances. (ResourceLimitExceeded). " +
				"Choose fewer instances or another type, or ask AWS for a larger quota.",
		},
		"throttled": {
			set: fails("CreateTrainingJob", sagemakertest.Error(400, "ThrottlingException", "Rate exceeded")), kind: action.RateLimited,
			message: "Amazon SageMaker is throttling requests. Try again later.",
		},
		"server error": {
			set: fails("CreateTrainingJob", actiontest.Reply{Status: 500}), kind: action.Unavailable,
			message: "Amazon SageMaker returned 500 Internal Server Error.",
		},
		"connection reset": {
			set: fails("CreateTrainingJob", actiontest.Reply{Reset: true}), kind: action.Unavailable,
			message: "The connection to Amazon SageMaker failed.",
		},
		"bucket access denied": {
			set: fails("HeadBucket", actiontest.Reply{Status: 403}), kind: action.Forbidden,
			message: "Amazon S3 denied access. Check the access key and the bucket.",
		},
		"S3 unavailable": {
			set: fails("HeadBucket", actiontest.Reply{Status: 503}), kind: action.Unavailable,
			message: "Amazon S3 returned 503 Service Unavailable.",
		},
		"upload denied": {
			set: fails("PutObject", sagemakertest.S3Error(403, "AccessDenied")), kind: action.Forbidden,
			message: "Amazon S3 denied access. The access key needs s3:PutObject and s3:AbortMultipartUpload on the bucket, and the use of its encryption key if it has one.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := sagemakertest.NewHub(t, 1)
				if tt.set != nil {
					tt.set(h.AWS)
				}
				result := csv
				if tt.csv != "" || tt.empty {
					result = tt.csv
				}
				_, err := trainer(h).Execute(t.Context(), trainRequest(t, result, tt.change))
				if err == nil {
					t.Fatal("no error")
				}
				if got := action.KindOf(err); got != tt.kind {
					t.Errorf("error %v of kind %v, want %v", err, got, tt.kind)
				}
				if got := action.MessageOf(err); got != tt.message {
					t.Errorf("error\n%s, want\n%s", got, tt.message)
				}
				if strings.Contains(err.Error(), sagemakertest.SecretKey) {
					t.Errorf("the error contains a secret: %v", err)
				}
				if left := h.Jobs.Drain(context.Background()); left != 0 {
					t.Errorf("%d jobs were interrupted, want none", left)
				}
				if got := h.Outcomes(); len(got) != 0 {
					t.Errorf("outcomes %v, want none", got)
				}
				if got := len(h.Mail.Mails()); got != 0 {
					t.Errorf("%d mails, want none", got)
				}
				if got := h.AWS.Objects(); tt.csv != "" && len(got) != 0 {
					t.Errorf("objects %v, want none", got)
				}
			})
		})
	}
}

func TestIsNumber(t *testing.T) {
	t.Parallel()
	for cell, number := range map[string]bool{
		"0": true, "-1.50": true, ".5": true, "5.": true, "1e-3": true, "+2": true, "1E400": true, "-Inf": true,
		"": false, "-": false, ".": false, "1.2.3": false, "1-2": false, "2026-11-23": false, "1,000": false, "York": false, "0x": false, " 1": false,
	} {
		if got := sagemaker.IsNumber(cell); got != number {
			t.Errorf("isNumber(%q) = %t, want %t", cell, got, number)
		}
	}
}

// A truncated source leaves no object and starts no job, even after parts were uploaded.
func TestTruncatedSource(t *testing.T) {
	t.Parallel()
	h := sagemakertest.NewHub(t, 1)
	tr := trainer(h)
	sagemaker.WithSmallParts(tr.Client)
	req := trainRequest(t, csv, nil)
	actiontest.Download(t, req, actiontest.BrokenDownload("a,b\n"+strings.Repeat("1,2\n", 10_000)))
	_, err := tr.Execute(t.Context(), req)
	if action.MessageOf(err) != "The download from Looker ended before the data was complete." {
		t.Errorf("error %v", err)
	}
	if h.AWS.Count("UploadPart") == 0 {
		t.Error("no part was uploaded before the source ended")
	}
	if left := h.AWS.Uploads(); left != 0 {
		t.Errorf("%d uploads left, want none", left)
	}
	if got := h.AWS.Objects(); len(got) != 0 {
		t.Errorf("objects %v, want none", slices.Collect(maps.Keys(got)))
	}
	if got := h.AWS.Count("CreateTrainingJob"); got != 0 {
		t.Errorf("%d jobs were started, want none", got)
	}
}

// The body of a failed download is not sent as data.
func TestDownloadFails(t *testing.T) {
	t.Parallel()
	h := sagemakertest.NewHub(t, 1)
	req := trainRequest(t, csv, nil)
	actiontest.Download(t, req, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "1,2\n3,4", http.StatusNotFound) })
	if _, err := trainer(h).Execute(t.Context(), req); err == nil {
		t.Error("no error")
	}
	if got := h.AWS.Objects(); len(got) != 0 {
		t.Errorf("objects %v, want none", got)
	}
}

// A call of SageMaker has a timeout.
func TestTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := sagemakertest.NewHub(t, 1)
		deps := h.Deps()
		deps.HTTP = &http.Client{Transport: lateSageMaker{h.AWS}}
		tr := trainer(h)
		tr.Client = sagemaker.MustNew(deps)
		start := time.Now()
		_, err := tr.Execute(t.Context(), trainRequest(t, csv, nil))
		if got, want := action.MessageOf(err), "Amazon SageMaker did not respond in time."; got != want {
			t.Errorf("error %q, want %q", got, want)
		}
		if got := action.KindOf(err); got != action.Timeout {
			t.Errorf("kind %v, want %v", got, action.Timeout)
		}
		if took := time.Since(start); took != 2*time.Minute {
			t.Errorf("the call took %v, want 2m", took)
		}
	})
}

// lateSageMaker answers only calls of S3 in time.
type lateSageMaker struct{ aws *sagemakertest.AWS }

func (l lateSageMaker) RoundTrip(req *http.Request) (*http.Response, error) {
	if strings.Contains(req.URL.Host, "sagemaker") {
		return actiontest.Late().Transport.RoundTrip(req)
	}
	return l.aws.RoundTrip(req)
}

// A call that the egress policy blocks is made once.
func TestEgressPolicy(t *testing.T) {
	t.Parallel()
	deps := sagemakertest.NewHub(t, 1).Deps()
	calls := 0
	deps.HTTP = &http.Client{Transport: blocked{&calls}}
	_, err := sagemaker.MustNew(deps).ModelField(t.Context(), sagemaker.Account{AccessKey: "a", SecretKey: "s", Region: "eu-west-1"})
	if !errors.Is(err, outbound.ErrForbiddenAddress) {
		t.Errorf("error %v, want %v", err, outbound.ErrForbiddenAddress)
	}
	if got := action.KindOf(err); got != action.Forbidden {
		t.Errorf("kind %v, want %v", got, action.Forbidden)
	}
	if calls != 1 {
		t.Errorf("%d calls, want 1", calls)
	}
}

type blocked struct{ calls *int }

func (f blocked) RoundTrip(*http.Request) (*http.Response, error) {
	*f.calls++
	return nil, &net.OpError{Op: "dial", Err: outbound.ErrForbiddenAddress}
}

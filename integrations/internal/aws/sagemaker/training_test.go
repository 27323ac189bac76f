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

// trains is a request for a training, which asks for no region.
func trains(t *testing.T, csv string, change answers) *action.Request {
	t.Helper()
	all := answers{"region": ""}
	maps.Copy(all, change)
	return sagemakertest.Request(t, csv, trainForm, all)
}

func trainer(h *sagemakertest.Hub) sagemaker.Trainer {
	return sagemaker.Trainer{
		Client: sagemaker.New(h.Deps()), Algorithm: sagemaker.LinearLearner, Columns: "feature_dim",
		Task: sagemaker.Task{
			Field: "kind", Parameter: "kind", Label: "Kind", Kinds: []sagemaker.Kind{{Name: "a", Sent: "a"}},
		},
		Rounds: sagemaker.Rounds{Field: "rounds", Parameter: "rounds", Default: 1},
	}
}

// letter is what a mail says, with the job's name made constant.
type letter struct{ Subject, Text string }

var jobNames = regexp.MustCompile(`(orders|transform-job)-\d{12,13}-[a-z2-7]{4}`)

func letters(t *testing.T, mails []mailtest.Delivered) []letter {
	t.Helper()
	var all []letter
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
		all = append(all, letter{jobNames.ReplaceAllString(msg.Header.Get("Subject"), "JOB"), jobNames.ReplaceAllString(strings.TrimSpace(text), "JOB")})
		if m.From != "looker@example.com" || !slices.Equal(m.To, []string{"ann@example.com"}) || m.User != mailtest.Username {
			t.Errorf("envelope %v", m)
		}
	}
	return all
}

// A job is accepted, followed for as long as it takes, and its end is mailed.
func TestTraining(t *testing.T) {
	t.Parallel()
	inProgress := slices.Repeat([]string{"InProgress"}, 500) // more than four hours
	again := regexp.MustCompile(`^orders-\d{12,13}-[a-z2-7]{4}$`)
	for name, tt := range map[string]struct {
		set     func(*sagemakertest.AWS)
		change  answers
		mails   []letter
		outcome jobs.Outcome
		models  []string
	}{
		"complete": {
			set:   func(f *sagemakertest.AWS) { f.Statuses = append(inProgress, "Completed") },
			mails: []letter{{"The model orders has been created", "The model orders has been created by training job JOB.\n\nWhat was trained is in s3://data/JOB/output/model.tar.gz."}}, outcome: jobs.Completed, models: []string{"churn", "orders"},
		},
		"a model of this name": {
			set:   func(f *sagemakertest.AWS) { f.Models["orders"] = "s3://data/old" },
			mails: []letter{{"The model JOB has been created", "The model JOB has been created by training job JOB. There is a model orders already.\n\nWhat was trained is in s3://data/JOB/output/model.tar.gz."}}, outcome: jobs.Completed, models: []string{"JOB", "churn", "orders"},
		},
		"the answer about the model is lost": {
			set: func(f *sagemakertest.AWS) {
				f.Lose = func(o string, n int) bool { return o == "CreateModel" && n == 1 }
			},
			mails: []letter{{"The model orders has been created", "The model orders has been created by training job JOB.\n\nWhat was trained is in s3://data/JOB/output/model.tar.gz."}}, outcome: jobs.Completed, models: []string{"churn", "orders"},
		},
		"no model": {
			set: func(f *sagemakertest.AWS) {
				f.Fail = func(o string, _ int) *actiontest.Reply {
					if o == "CreateModel" {
						r := sagemakertest.Error(400, "AccessDeniedException", "User: arn:aws:iam::123456789012:user/x is not authorized")
						return &r
					}
					return nil
				}
			},
			mails:   []letter{{"The model orders could not be created", "Training job JOB is complete, but the model orders could not be created: Amazon SageMaker denied access. The access key lacks a permission for sagemaker:CreateModel.\n\nWhat was trained is in s3://data/JOB/output/model.tar.gz; its image is 438346466558.dkr.ecr.eu-west-1.amazonaws.com/linear-learner:1."}},
			outcome: jobs.Failed, models: []string{"churn"},
		},
		"failed": {
			set: func(f *sagemakertest.AWS) {
				f.Statuses, f.Reason = []string{"InProgress", "Failed"}, "ClientError: no."
			},
			mails: []letter{{"Training job JOB failed", "Training job JOB failed: ClientError: no."}}, outcome: jobs.Completed, models: []string{"churn"},
		},
		"stopped": {
			set:   func(f *sagemakertest.AWS) { f.Statuses, f.Secondary = []string{"Stopping", "Stopped"}, "Stopped" },
			mails: []letter{{"Training job JOB was stopped", "Training job JOB was stopped."}}, outcome: jobs.Completed, models: []string{"churn"},
		},
		"too long": {
			set: func(f *sagemakertest.AWS) {
				f.Statuses, f.Secondary = append(inProgress, "Stopped"), "MaxRuntimeExceeded"
			}, change: answers{"maxRuntimeInHours": "3"},
			mails: []letter{{"Training job JOB timed out", "Training job JOB exceeded the maximum run time of 10800 seconds."}}, outcome: jobs.Completed, models: []string{"churn"},
		},
		"out of sight for a while": {
			set: func(f *sagemakertest.AWS) {
				f.Fail = func(o string, n int) *actiontest.Reply {
					if o == "DescribeTrainingJob" && n < 40 {
						return &actiontest.Reply{Status: http.StatusServiceUnavailable}
					}
					return nil
				}
			},
			mails: []letter{{"The model orders has been created", "The model orders has been created by training job JOB.\n\nWhat was trained is in s3://data/JOB/output/model.tar.gz."}}, outcome: jobs.Completed, models: []string{"churn", "orders"},
		},
		"out of sight for good": {
			set: func(f *sagemakertest.AWS) {
				f.Fail = func(o string, _ int) *actiontest.Reply {
					if o == "DescribeTrainingJob" {
						r := sagemakertest.Error(400, "UnrecognizedClientException", "The security token included in the request is invalid.")
						return &r
					}
					return nil
				}
			},
			mails:   []letter{{"Training job JOB is no longer followed", "Training job JOB goes on at Amazon SageMaker, but the hub could not follow it to its end: Amazon SageMaker does not accept the access key with this secret key. Check both in the action's settings in Looker.\n\nLook for it in the SageMaker console. What the hub would have done once it had ended will not be done."}},
			outcome: jobs.Failed, models: []string{"churn"},
		},
		"a mail server that takes nothing": {
			set:    func(*sagemakertest.AWS) {},
			change: answers{"smtpPass": "wrong"}, outcome: jobs.Failed, models: []string{"churn", "orders"},
		},
		"mail settings that cannot be used": {
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
				res, err := trainer(h).Execute(t.Context(), trains(t, csv, tt.change))
				if err != nil {
					t.Fatal(err)
				}
				want := "Training job JOB was started."
				if tt.change["user_email"] != "" {
					want += " No mail will be sent: Looker User Email is not an e-mail address."
				}
				if got := jobNames.ReplaceAllString(res.Message, "JOB"); got != want || time.Since(start) != 0 {
					t.Errorf("answered %q after %v, want %q", got, time.Since(start), want)
				}
				if left := h.Watches.Drain(context.Background()); left != 0 {
					t.Errorf("%d jobs were given up", left)
				}
				if diff := cmp.Diff(tt.mails, letters(t, h.Mail.Mails())); diff != "" {
					t.Errorf("mails (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff([]jobs.Outcome{tt.outcome}, h.Outcomes()); diff != "" {
					t.Errorf("outcome (-want +got):\n%s", diff)
				}
				var models []string
				for m := range h.AWS.Models {
					if again.MatchString(m) {
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

// A hub that stops says so to whoever waits.
func TestHubStops(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := sagemakertest.NewHub(t, 1)
		h.AWS.Statuses = []string{"InProgress"}
		if _, err := trainer(h).Execute(t.Context(), trains(t, csv, nil)); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
		defer cancel()
		start := time.Now()
		if left := h.Watches.Drain(ctx); left != 1 || time.Since(start) != 15*time.Minute {
			t.Errorf("%d jobs were given up after %v", left, time.Since(start))
		}
		want := []letter{{"Training job JOB is no longer followed", "Training job JOB goes on at Amazon SageMaker, but the hub could not follow it to its end: the hub stopped before the job ended.\n\nLook for it in the SageMaker console. What the hub would have done once it had ended will not be done."}}
		if diff := cmp.Diff(want, letters(t, h.Mail.Mails())); diff != "" {
			t.Errorf("mails (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]jobs.Outcome{jobs.Interrupted}, h.Outcomes()); diff != "" {
			t.Errorf("outcome (-want +got):\n%s", diff)
		}
	})
}

// Where there is no room to follow a job, nothing is written and none is started.
func TestNoRoom(t *testing.T) {
	t.Parallel()
	h := sagemakertest.NewHub(t, 0)
	_, err := trainer(h).Execute(t.Context(), trains(t, csv, nil))
	if action.KindOf(err) != action.RateLimited || len(h.AWS.Operations()) != 0 {
		t.Errorf("error %v after %v", err, h.AWS.Operations())
	}
}

// A job whose start was not confirmed is started once, and followed.
func TestLostStart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := sagemakertest.NewHub(t, 1)
		h.AWS.Lose = func(o string, n int) bool { return o == "CreateTrainingJob" && n == 1 }
		if _, err := trainer(h).Execute(t.Context(), trains(t, csv, nil)); err != nil {
			t.Fatal(err)
		}
		h.Watches.Drain(context.Background())
		if n := h.AWS.Count("CreateTrainingJob"); n != 2 || len(h.Mail.Mails()) != 1 {
			t.Errorf("%d calls, %d mails", n, len(h.Mail.Mails()))
		}
	})
}

func TestTrainingRefused(t *testing.T) {
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
		csv     string
		change  answers
		set     func(*sagemakertest.AWS)
		kind    action.Kind
		message string
	}{
		"no model name":   {csv, answers{"modelName": ""}, nil, action.Invalid, `"modelName" is required.`},
		"bad model name":  {csv, answers{"modelName": "a/b"}, nil, action.Invalid, `"modelName" may hold letters, digits and hyphens, 63 at most.`},
		"no bucket":       {csv, answers{"bucket": ""}, nil, action.Invalid, `"bucket" is required.`},
		"no type":         {csv, answers{"awsInstanceType": ""}, nil, action.Invalid, `"awsInstanceType" is required.`},
		"no role":         {csv, answers{"roleArn": ""}, nil, action.Invalid, `"roleArn" is required.`},
		"too many":        {csv, answers{"numInstances": "501"}, nil, action.Invalid, "Param numInstances: 501 is out of range: 1 - 500"},
		"a fraction":      {csv, answers{"numInstances": "1.5"}, nil, action.Invalid, "Param numInstances must be a whole number."},
		"too long":        {csv, answers{"maxRuntimeInHours": "73"}, nil, action.Invalid, "Param maxRuntimeInHours: 73 is out of range: 1 - 72"},
		"unknown bucket":  {csv, answers{"bucket": "other"}, nil, action.NotFound, "The bucket does not exist."},
		"unknown region":  {csv, nil, func(f *sagemakertest.AWS) { f.Buckets["data"] = "mars-north-1" }, action.Invalid, "The bucket is in mars-north-1, where the hub knows no image of this algorithm. Choose a bucket in another region."},
		"wrong keys":      {csv, answers{"secretAccessKey": "other"}, nil, action.Unauthenticated, "Amazon S3 does not accept the access key with this secret key. Check both in the action's settings in Looker."},
		"no rows":         {"a,b\n", nil, nil, action.Invalid, "Looker sent no rows."},
		"nothing at all":  {"", nil, nil, action.Invalid, "Looker sent no rows."},
		"one column":      {"a\n1\n", nil, nil, action.Invalid, "A model is trained with two columns at least: the label and what it depends on."},
		"text":            {"a,b\n1,2\n3,York\n", nil, nil, action.Invalid, `Row 2: column "b" does not hold a number. Models are trained with numbers, the label first.`},
		"no label":        {"a,b\n,2\n", nil, nil, action.Invalid, `Row 1: column "a" is empty, though it is the label. Models are trained with numbers, the label first.`},
		"a cell too many": {"a,b\n1,2\n1,2,3\n", nil, nil, action.Invalid, "Row 2 does not have the 2 columns that the first line names."},
		"bad quotes":      {"a,b\n1,\"2\n", nil, nil, action.Invalid, `Line 2 is not valid CSV: extraneous or missing " in quoted-field.`},
		"no permission":   {csv, nil, fails("CreateTrainingJob", sagemakertest.Error(400, "AccessDeniedException", "User: x is not authorized")), action.Forbidden, "Amazon SageMaker denied access. The access key lacks a permission for sagemaker:CreateTrainingJob."},
		"a limit":         {csv, nil, fails("CreateTrainingJob", sagemakertest.Error(400, "ResourceLimitExceeded", "The account-level service limit is 0 Instances.")), action.Invalid, "Amazon SageMaker refuses: The account-level service limit is 0 Instances. (ResourceLimitExceeded)"},
		"throttled":       {csv, nil, fails("CreateTrainingJob", sagemakertest.Error(400, "ThrottlingException", "Rate exceeded")), action.RateLimited, "Amazon SageMaker is throttling requests. Try again later."},
		"unavailable":     {csv, nil, fails("CreateTrainingJob", actiontest.Reply{Status: 500}), action.Unavailable, "Amazon SageMaker answered 500 Internal Server Error."},
		"resets":          {csv, nil, fails("CreateTrainingJob", actiontest.Reply{Reset: true}), action.Unavailable, "The connection to Amazon SageMaker failed."},
		"no access":       {csv, nil, fails("HeadBucket", actiontest.Reply{Status: 403}), action.Forbidden, "Amazon S3 denied access. Check the access key and the bucket."},
		"S3 out of order": {csv, nil, fails("HeadBucket", actiontest.Reply{Status: 503}), action.Unavailable, "Amazon S3 answered 503 Service Unavailable."},
		"S3 denies":       {csv, nil, fails("PutObject", sagemakertest.S3Error(403, "AccessDenied")), action.Forbidden, "Amazon S3 denied access. The access key needs s3:PutObject and s3:AbortMultipartUpload on the bucket, and the use of its encryption key if it has one."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := sagemakertest.NewHub(t, 1)
				if tt.set != nil {
					tt.set(h.AWS)
				}
				_, err := trainer(h).Execute(t.Context(), trains(t, tt.csv, tt.change))
				if action.KindOf(err) != tt.kind || action.MessageOf(err) != tt.message {
					t.Errorf("error %v (%v)\n%s, want\n%s", err, action.KindOf(err), action.MessageOf(err), tt.message)
				}
				if err != nil && strings.Contains(err.Error(), sagemakertest.SecretKey) {
					t.Errorf("the error holds a secret: %v", err)
				}
				if left := h.Watches.Drain(context.Background()); left != 0 || len(h.Outcomes()) != 0 || len(h.Mail.Mails()) != 0 {
					t.Errorf("a job that was not started was followed: %v", h.Outcomes())
				}
				if strings.Contains(name, "no ") && tt.csv != csv && len(h.AWS.Objects()) != 0 {
					t.Errorf("objects %v", h.AWS.Objects())
				}
			})
		})
	}
}

func TestNumbers(t *testing.T) {
	t.Parallel()
	for cell, number := range map[string]bool{
		"0": true, "-1.50": true, ".5": true, "5.": true, "1e-3": true, "+2": true, "1E400": true, "-Inf": true,
		"": false, "-": false, ".": false, "1.2.3": false, "1-2": false, "2026-11-23": false, "1,000": false, "York": false, "0x": false, " 1": false,
	} {
		if got := sagemaker.IsNumber(cell); got != number {
			t.Errorf("%q is a number: %t", cell, got)
		}
	}
}

// A source that breaks off leaves no object and starts no job, however much had been written.
func TestTrainingBreaksOff(t *testing.T) {
	t.Parallel()
	h := sagemakertest.NewHub(t, 1)
	tr := trainer(h)
	sagemaker.Small(tr.Client)
	req := trains(t, csv, nil)
	actiontest.Download(t, req, actiontest.BrokenDownload("a,b\n"+strings.Repeat("1,2\n", 10_000)))
	_, err := tr.Execute(t.Context(), req)
	if action.MessageOf(err) != "The download from Looker broke off before the data was complete." {
		t.Errorf("error %v", err)
	}
	if h.AWS.Count("UploadPart") == 0 || h.AWS.Uploads() != 0 || len(h.AWS.Objects()) != 0 || h.AWS.Count("CreateTrainingJob") != 0 {
		t.Errorf("%v, %d uploads left, objects %v", h.AWS.Operations(), h.AWS.Uploads(), slices.Collect(maps.Keys(h.AWS.Objects())))
	}
}

// Looker's refusal of the download is not taken for data.
func TestDownloadRefused(t *testing.T) {
	t.Parallel()
	h := sagemakertest.NewHub(t, 1)
	req := trains(t, csv, nil)
	actiontest.Download(t, req, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "1,2\n3,4", http.StatusNotFound) })
	if _, err := trainer(h).Execute(t.Context(), req); err == nil || len(h.AWS.Objects()) != 0 {
		t.Errorf("error %v, objects %v", err, h.AWS.Objects())
	}
}

// A SageMaker that answers late is not waited for without end.
func TestAnswersLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := sagemakertest.NewHub(t, 1)
		deps := h.Deps()
		deps.HTTP = &http.Client{Transport: lateSageMaker{h.AWS}}
		tr := trainer(h)
		tr.Client = sagemaker.New(deps)
		start := time.Now()
		_, err := tr.Execute(t.Context(), trains(t, csv, nil))
		if took := time.Since(start); action.KindOf(err) != action.Timeout || action.MessageOf(err) != "Amazon SageMaker did not answer in time." || took != 2*time.Minute {
			t.Errorf("error %v after %v", err, took)
		}
	})
}

// lateSageMaker answers for S3 alone.
type lateSageMaker struct{ aws *sagemakertest.AWS }

func (l lateSageMaker) RoundTrip(req *http.Request) (*http.Response, error) {
	if strings.Contains(req.URL.Host, "sagemaker") {
		return actiontest.Late().Transport.RoundTrip(req)
	}
	return l.aws.RoundTrip(req)
}

// What the egress policy forbids is not tried again.
func TestEgress(t *testing.T) {
	t.Parallel()
	deps := sagemakertest.NewHub(t, 1).Deps()
	calls := 0
	deps.HTTP = &http.Client{Transport: forbidden{&calls}}
	_, err := sagemaker.New(deps).ModelField(t.Context(), sagemaker.Account{AccessKey: "a", SecretKey: "s", Region: "eu-west-1"})
	if !errors.Is(err, outbound.ErrForbiddenAddress) || action.KindOf(err) != action.Forbidden || calls != 1 {
		t.Errorf("error %v after %d calls", err, calls)
	}
}

type forbidden struct{ calls *int }

func (f forbidden) RoundTrip(*http.Request) (*http.Response, error) {
	*f.calls++
	return nil, &net.OpError{Op: "dial", Err: outbound.ErrForbiddenAddress}
}

package sagemakertest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"

	"integrationhub.dev/hub/action/actiontest"
)

// input has the members of requests that the fake uses.
type input struct {
	ModelName, TrainingJobName, TransformJobName, NextToken string
	PrimaryContainer                                        struct {
		ModelDataURL string `json:"ModelDataUrl"`
	}
}

func (f *AWS) sagemaker(operation string, body []byte) actiontest.Reply {
	var in input
	_ = json.Unmarshal(body, &in) // invalid JSON has no members
	job := in.TrainingJobName + in.TransformJobName
	switch operation {
	case "ListModels":
		return f.listModels(in.NextToken)
	case "CreateTrainingJob", "CreateTransformJob":
		if _, taken := f.jobs[job]; taken {
			return Error(http.StatusBadRequest, "ResourceInUse", "Job names must be unique within an AWS account and region")
		}
		f.jobs[job] = 0
		return ok(map[string]any{"TrainingJobArn": "arn:aws:sagemaker:eu-west-1:123456789012:training-job/" + job})
	case "DescribeTrainingJob":
		status, last := f.poll(job)
		out := map[string]any{"TrainingJobName": job, "TrainingJobStatus": status, "SecondaryStatus": "Training"}
		if last {
			out["SecondaryStatus"], out["FailureReason"] = f.Secondary, f.Reason
			out["ModelArtifacts"] = map[string]string{"S3ModelArtifacts": "s3://data/" + job + "/output/model.tar.gz"}
		}
		return ok(out)
	case "DescribeTransformJob":
		status, last := f.poll(job)
		out := map[string]any{
			"TransformJobName": job, "TransformJobStatus": status,
			"TransformOutput": map[string]string{"S3OutputPath": "s3://data/" + job + "/transform-output"},
		}
		if last {
			out["FailureReason"] = f.Reason
		}
		return ok(out)
	case "CreateModel":
		if _, taken := f.Models[in.ModelName]; taken {
			return Error(http.StatusBadRequest, "ValidationException",
				"Cannot create already existing model \"arn:aws:sagemaker:eu-west-1:123456789012:model/"+in.ModelName+"\".")
		}
		f.Models[in.ModelName] = in.PrimaryContainer.ModelDataURL
		return ok(map[string]any{"ModelArn": "arn:aws:sagemaker:eu-west-1:123456789012:model/" + in.ModelName})
	case "DescribeModel":
		return ok(map[string]any{"ModelName": in.ModelName, "PrimaryContainer": map[string]string{"ModelDataUrl": f.Models[in.ModelName]}})
	}
	return Error(http.StatusBadRequest, "UnknownOperationException", operation)
}

// poll returns a job's status, and whether it is the last one.
func (f *AWS) poll(job string) (status string, last bool) {
	n := min(f.jobs[job], len(f.Statuses)-1)
	f.jobs[job]++
	return f.Statuses[n], n == len(f.Statuses)-1
}

// listModels returns pages of two models.
func (f *AWS) listModels(token string) actiontest.Reply {
	names := slices.Sorted(maps.Keys(f.Models))
	from, _ := strconv.Atoi(token)
	until := min(from+2, len(names))
	models := []map[string]string{}
	for _, n := range names[from:until] {
		models = append(models, map[string]string{"ModelName": n})
	}
	out := map[string]any{"Models": models}
	if until < len(names) {
		out["NextToken"] = fmt.Sprint(until)
	}
	return ok(out)
}

func ok(out map[string]any) actiontest.Reply {
	body, err := json.Marshal(out)
	if err != nil {
		panic(err) // only strings
	}
	return actiontest.Reply{Header: map[string]string{"Content-Type": "application/x-amz-json-1.1"}, Body: string(body)}
}

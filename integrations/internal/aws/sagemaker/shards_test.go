package sagemaker_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/aws/sagemaker/sagemakertest"
)

// Each instance gets an object of its own, with an equal part of the rows in their order.
func TestShards(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		rows, instances int
		distribute      string
		// want are the numbers of rows of the objects, in the order of their names.
		want    []int
		message string
	}{
		"a copy for each": {10, 3, "", []int{10}, "Training job JOB was started. Each of the 3 instances gets a copy of all rows."},
		"divided":         {10, 3, "yes", []int{3, 3, 4}, "Training job JOB was started. The rows were divided among the 3 instances."},
		"one row for each": {4, 4, "yes", []int{1, 1, 1, 1}, "Training job JOB was started. The rows were divided among the 4 " +
			"instances."},
		"many": {
			100_000, 7, "yes",
			[]int{14285, 14286, 14286, 14285, 14286, 14286, 14286},
			"Training job JOB was started. The rows were divided among the 7 instances.",
		},
		"one instance": {10, 1, "yes", []int{10}, "Training job JOB was started."},
		"too many instances": {2, 3, "yes", nil, "The result has 2 rows, which cannot be divided among 3 instances. Choose fewer " +
			"instances."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var csv, want strings.Builder
				csv.WriteString("label,a\n")
				for n := range tt.rows {
					fmt.Fprintf(&want, "%d,%d.5\n", n%2, n)
				}
				csv.WriteString(want.String())
				h := sagemakertest.NewHub(t, 1)
				change := answers{"numInstances": fmt.Sprint(tt.instances), "distribute_rows": tt.distribute}
				res, err := trainer(h).Execute(t.Context(), trainRequest(t, csv.String(), change))
				h.Jobs.Drain(context.Background())
				got := action.MessageOf(err)
				if err == nil {
					got = jobNames.ReplaceAllString(res.Message, "JOB")
				}
				if got != tt.message {
					t.Errorf("message %q, want %q", got, tt.message)
				}
				checkShards(t, h.AWS, tt.want, want.String())
				if tt.want == nil {
					return
				}
				job := h.AWS.Requests("CreateTrainingJob")[0]
				if sharded := strings.Contains(job, `"S3DataDistributionType":"ShardedByS3Key"`); sharded != (len(tt.want) > 1) {
					t.Errorf("job %s", job)
				}
			})
		})
	}
}

// checkShards compares the objects with the numbers of their rows, and together with the data.
func checkShards(t *testing.T, f *sagemakertest.AWS, want []int, data string) {
	t.Helper()
	objects := f.Objects()
	var names []string
	for name := range objects {
		names = append(names, name)
	}
	slices.Sort(names)
	var rows []int
	var all strings.Builder
	for _, name := range names {
		rows = append(rows, strings.Count(objects[name], "\n"))
		all.WriteString(objects[name])
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("rows of %q (-want +got):\n%s", names, diff)
	}
	if want != nil && all.String() != data {
		t.Errorf("the objects have other rows: %.200s", all.String())
	}
}

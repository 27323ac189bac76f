package sagemaker

import "strings"

// trainingTypes and transformTypes are the types of instances that SageMaker has for jobs, by family, in the order of its API.
// Those with AWS Trainium and Inferentia chips are left out: the algorithms here are not built for them. They are from
// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ResourceConfig.html and
// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_TransformResources.html, November 2026.
const (
	trainingTypes = `
ml.m4: xlarge 2xlarge 4xlarge 10xlarge 16xlarge
ml.g4dn: xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge
ml.m5: large xlarge 2xlarge 4xlarge 12xlarge 24xlarge
ml.c4: xlarge 2xlarge 4xlarge 8xlarge
ml.p2: xlarge 8xlarge 16xlarge
ml.p3: 2xlarge 8xlarge 16xlarge
ml.p3dn: 24xlarge
ml.p4d: 24xlarge
ml.p4de: 24xlarge
ml.p5: 48xlarge 4xlarge
ml.p5e: 48xlarge
ml.p5en: 48xlarge
ml.c5: xlarge 2xlarge 4xlarge 9xlarge 18xlarge
ml.c5n: xlarge 2xlarge 4xlarge 9xlarge 18xlarge
ml.g5: xlarge 2xlarge 4xlarge 8xlarge 16xlarge 12xlarge 24xlarge 48xlarge
ml.g6: xlarge 2xlarge 4xlarge 8xlarge 16xlarge 12xlarge 24xlarge 48xlarge
ml.g6e: xlarge 2xlarge 4xlarge 8xlarge 16xlarge 12xlarge 24xlarge 48xlarge
ml.m6i: large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge
ml.c6i: xlarge 2xlarge 8xlarge 4xlarge 12xlarge 16xlarge 24xlarge 32xlarge
ml.r5d: large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge
ml.t3: medium large xlarge 2xlarge
ml.r5: large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge
ml.p6-b200: 48xlarge
ml.m7i: large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge
ml.c7i: large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge
ml.r7i: large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge
ml.p6e-gb200: 36xlarge
ml.p6-b300: 48xlarge
ml.g7e: 2xlarge 4xlarge 8xlarge 12xlarge 24xlarge 48xlarge
ml.g7: 2xlarge 4xlarge 8xlarge 12xlarge 24xlarge 48xlarge
ml.r6i: large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge
ml.m8i: large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge 48xlarge 96xlarge
ml.c8i: xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge 48xlarge 96xlarge
ml.r8i: large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge 48xlarge 96xlarge
ml.m7i-flex: large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge
ml.c7i-flex: xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge
ml.m8i-flex: large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge
ml.c8i-flex: xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge
ml.r8i-flex: large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge
`
	transformTypes = `
ml.m4: xlarge 2xlarge 4xlarge 10xlarge 16xlarge
ml.c4: xlarge 2xlarge 4xlarge 8xlarge
ml.p2: xlarge 8xlarge 16xlarge
ml.p3: 2xlarge 8xlarge 16xlarge
ml.c5: xlarge 2xlarge 4xlarge 9xlarge 18xlarge
ml.m5: large xlarge 2xlarge 4xlarge 12xlarge 24xlarge
ml.m6i: large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge
ml.c6i: large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge
ml.r6i: large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge
ml.m7i: large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge
ml.c7i: large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge
ml.r7i: large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge
ml.g4dn: xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge
ml.g5: xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge
ml.g6: xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge
ml.g6e: xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge
`
)

// instanceTypes returns the names in one of these lists.
func instanceTypes(families string) []string {
	var names []string
	for line := range strings.Lines(strings.TrimSpace(families)) {
		family, sizes, _ := strings.Cut(strings.TrimSpace(line), ": ")
		for size := range strings.FieldsSeq(sizes) {
			names = append(names, family+"."+size)
		}
	}
	return names
}

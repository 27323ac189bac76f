package sagemaker

import (
	"fmt"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/aws/awscall"
	"integrationhub.dev/integrations/internal/aws/s3store"
)

// Algorithm is one of SageMaker's built-in algorithms.
type Algorithm struct {
	// Repository and Tag are those of its image.
	Repository, Tag string
	// accounts are the AWS accounts of the image's registries, by region.
	accounts map[s3store.Region]string
}

// The algorithms. The accounts are from
// https://docs.aws.amazon.com/sagemaker/latest/dg-ecr-paths/sagemaker-algo-docker-registry-paths.html
// and from the SageMaker Python SDK, August 2026.
var (
	// XGBoost is version 1.7. The reference's version of 2018 is no longer maintained, and available
	// in fewer regions.
	XGBoost = Algorithm{Repository: "sagemaker-xgboost", Tag: "1.7-1", accounts: map[s3store.Region]string{
		"af-south-1":      "510948584623",
		"ap-east-1":       "651117190479",
		"ap-northeast-1":  "354813040037",
		"ap-northeast-2":  "366743142698",
		"ap-northeast-3":  "867004704886",
		"ap-south-1":      "720646828776",
		"ap-south-2":      "628508329040",
		"ap-southeast-1":  "121021644041",
		"ap-southeast-2":  "783357654285",
		"ap-southeast-3":  "951798379941",
		"ap-southeast-4":  "106583098589",
		"ca-central-1":    "341280168497",
		"ca-west-1":       "190319476487",
		"cn-north-1":      "450853457545",
		"cn-northwest-1":  "451049120500",
		"eu-central-1":    "492215442770",
		"eu-central-2":    "680994064768",
		"eu-north-1":      "662702820516",
		"eu-south-1":      "978288397137",
		"eu-south-2":      "104374241257",
		"eu-west-1":       "141502667606",
		"eu-west-2":       "764974769150",
		"eu-west-3":       "659782779980",
		"il-central-1":    "898809789911",
		"me-central-1":    "272398656194",
		"me-south-1":      "801668240914",
		"sa-east-1":       "737474898029",
		"us-east-1":       "683313688378",
		"us-east-2":       "257758044811",
		"us-gov-east-1":   "237065988967",
		"us-gov-west-1":   "414596584902",
		"us-iso-east-1":   "833128469047",
		"us-isob-east-1":  "281123927165",
		"us-isof-east-1":  "108575199400",
		"us-isof-south-1": "124985052026",
		"us-west-1":       "746614075791",
		"us-west-2":       "246618743249",
	}}
	// LinearLearner has only one version.
	LinearLearner = Algorithm{Repository: "linear-learner", Tag: "1", accounts: map[s3store.Region]string{
		"af-south-1":      "455444449433",
		"ap-east-1":       "286214385809",
		"ap-northeast-1":  "351501993468",
		"ap-northeast-2":  "835164637446",
		"ap-northeast-3":  "867004704886",
		"ap-south-1":      "991648021394",
		"ap-south-2":      "628508329040",
		"ap-southeast-1":  "475088953585",
		"ap-southeast-2":  "712309505854",
		"ap-southeast-3":  "951798379941",
		"ap-southeast-4":  "106583098589",
		"ca-central-1":    "469771592824",
		"ca-west-1":       "190319476487",
		"cn-north-1":      "390948362332",
		"cn-northwest-1":  "387376663083",
		"eu-central-1":    "664544806723",
		"eu-central-2":    "680994064768",
		"eu-north-1":      "669576153137",
		"eu-south-1":      "257386234256",
		"eu-south-2":      "104374241257",
		"eu-west-1":       "438346466558",
		"eu-west-2":       "644912444149",
		"eu-west-3":       "749696950732",
		"il-central-1":    "898809789911",
		"me-central-1":    "272398656194",
		"me-south-1":      "249704162688",
		"sa-east-1":       "855470959533",
		"us-east-1":       "382416733822",
		"us-east-2":       "404615174143",
		"us-gov-east-1":   "237065988967",
		"us-gov-west-1":   "226302683700",
		"us-iso-east-1":   "490574956308",
		"us-isob-east-1":  "765400339828",
		"us-isof-east-1":  "108575199400",
		"us-isof-south-1": "124985052026",
		"us-west-1":       "632365934929",
		"us-west-2":       "174872318107",
	}}
)

// Image returns the URL of the algorithm's image in a region.
func (a Algorithm) Image(r s3store.Region) (string, error) {
	account, ok := a.accounts[r]
	if !ok {
		return "", action.InvalidField("bucket", "The algorithm is not available in %s, the region of the bucket. Choose a bucket in "+
			"another region.", r)
	}
	return fmt.Sprintf("%s.dkr.ecr.%s.%s/%s:%s", account, r, awscall.Domain(string(r)), a.Repository, a.Tag), nil
}

package s3store

import "integrationhub.dev/hub/action"

const wrongRegion = "The bucket is not in this region. Check the region in the action's settings in Looker."

// explanation says what one of S3's error codes means for the person in Looker; nil when it
// says nothing more than the status:
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
func (s *Store) explanation(code string) *action.Error {
	name := s.service.Name
	switch code {
	case "InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "ExpiredToken", "InvalidSecurity":
		return action.Errorf(action.Unauthenticated, "%s does not accept the access key with this secret key. Check both in the "+
			"action's settings in Looker.", name)
	case "AccessDenied":
		return action.Errorf(action.Forbidden, "%s denied access. The access key needs %s.", name, s.service.Needs)
	case "AllAccessDisabled":
		return action.Errorf(action.Forbidden, "%s has disabled all access to this bucket.", name)
	case "AccountProblem":
		return action.Errorf(action.Forbidden, "%s reports a problem with the %s account.", name, s.service.Vendor)
	case "NoSuchBucket":
		e := action.InvalidField("bucket", "The bucket does not exist.")
		e.Kind = action.NotFound
		return e
	case "InvalidBucketName":
		return action.InvalidField("bucket", "The bucket's name is not valid.")
	case "PermanentRedirect", "TemporaryRedirect", "AuthorizationHeaderMalformed":
		return action.Errorf(action.Invalid, wrongRegion)
	case "KeyTooLongError":
		return action.Errorf(action.Invalid, "The path and the filename together are too long for %s.", name)
	case "EntityTooLarge":
		return action.Errorf(action.TooLarge, "The data is larger than %s allows.", name)
	case "RequestTimeTooSkewed":
		return action.Errorf(action.Internal, "%s refuses the hub's requests because the hub's clock is wrong.", name)
	case "PreconditionFailed", "ConditionalRequestConflict":
		return exists()
	case "NoSuchUpload":
		return action.Errorf(action.Unavailable, "The upload was terminated at %s before it was complete.", name)
	case "SlowDown", "Throttling", "ThrottlingException", "TooManyRequests", "RequestLimitExceeded":
		return action.Errorf(action.RateLimited, "%s is throttling requests. Try again later.", name)
	case "RequestTimeout":
		return action.Errorf(action.Timeout, "%s waited too long for the data.", name)
	}
	return nil
}

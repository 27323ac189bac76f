package lookerclient

// RetryAfter is tested alone.
var RetryAfter = retryAfter

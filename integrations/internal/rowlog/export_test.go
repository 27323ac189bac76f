package rowlog

import (
	"log/slog"

	"integrationhub.dev/integrations/internal/rowbucket"
)

// NewIn returns a log in a bucket.
func NewIn(bucket rowbucket.Bucket, rejected bool) *Log {
	return &Log{bucket: bucket, rejected: rejected, integration: "acme_crm", log: slog.New(slog.DiscardHandler)}
}

// MaxEntries is the maximum size of a snapshot.
const MaxEntries = maxEntries

package tracing

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
)

// uploader posts traces to a collector. OpenTelemetry's client links gRPC, which makes the program
// 12 MB larger; the protocol is one POST
// (https://opentelemetry.io/docs/specs/otlp/#otlphttp).
type uploader struct {
	client   *http.Client
	endpoint string
	headers  map[string]string
	gzip     bool
	retry    deliver.Retry
	log      *slog.Logger
	failing  atomic.Bool
}

var _ otlptrace.Client = (*uploader)(nil)

// newUploader creates an uploader. The egress policy does not apply to the collector, which the
// administrator chooses.
func newUploader(s settings, o Options) (*uploader, error) {
	headers, err := s.headers()
	if err != nil {
		return nil, err
	}
	config := &tls.Config{RootCAs: o.Roots, MinVersion: tls.VersionTLS12}
	if s.Certificate != "" {
		if config.RootCAs, err = outbound.LoadRoots(s.Certificate); err != nil {
			return nil, err
		}
	}
	if s.ClientCertificate != "" {
		pair, err := tls.LoadX509KeyPair(s.ClientCertificate, s.ClientKey)
		if err != nil {
			return nil, fmt.Errorf("reading the certificate for the collector: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: config, IdleConnTimeout: time.Minute}
	return &uploader{
		client:   &http.Client{Transport: transport, Timeout: s.timeout()},
		endpoint: s.Endpoint, headers: headers, gzip: s.Compression == "gzip", log: o.Log,
		// The SDK drops a batch after OTEL_BSP_EXPORT_TIMEOUT, by default 30 s.
		retry: deliver.Retry{MaxAttempts: 5, InitialBackoff: time.Second, MaxBackoff: 5 * time.Second},
	}, nil
}

// Start implements [otlptrace.Client].
func (u *uploader) Start(context.Context) error { return nil }

// Stop implements [otlptrace.Client].
func (u *uploader) Stop(context.Context) error {
	u.client.CloseIdleConnections()
	return nil
}

// UploadTraces implements [otlptrace.Client].
func (u *uploader) UploadTraces(ctx context.Context, spans []*tracepb.ResourceSpans) error {
	body, err := u.encode(spans)
	if err != nil {
		return err
	}
	err = u.retry.Do(ctx, func(ctx context.Context) error { return u.post(ctx, body) })
	switch was := u.failing.Swap(err != nil); {
	case err != nil && !was:
		u.log.WarnContext(ctx, "exporting traces failed; traces are dropped", "error", err)
	case err == nil && was:
		u.log.InfoContext(ctx, "exporting traces succeeded again")
	}
	return err
}

// encode returns the body of a request. TracesData has the same encoding as the collector's request
// type, whose package links gRPC.
func (u *uploader) encode(spans []*tracepb.ResourceSpans) ([]byte, error) {
	body, err := proto.Marshal(&tracepb.TracesData{ResourceSpans: spans})
	if err != nil || !u.gzip {
		return body, err
	}
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(body) // a buffer never fails
	_ = w.Close()
	return b.Bytes(), nil
}

func (u *uploader) post(ctx context.Context, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.endpoint, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("preparing the upload of traces: %w", err)
	}
	for name, value := range u.headers {
		req.Header.Set(name, value)
	}
	req.Header.Set("Content-Type", "application/x-protobuf")
	if u.gzip {
		req.Header.Set("Content-Encoding", "gzip")
	}
	res, err := outbound.Do(u.client, req, "The trace collector")
	if err != nil {
		return err
	}
	_, _ = io.Copy(io.Discard, res.Body) // so that the connection can be reused
	return res.Body.Close()
}
